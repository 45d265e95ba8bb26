"""Alarms on series made up by hand, each healthy but for one thing."""

from typing import Any

import pytest

from openbezoar.errors import ModelError
from openbezoar.training.health import Alarm, Health, alarms

WELL = {
    "log_ratio_chosen": -4.0,
    "answer_tokens_chosen": 40.0,
    "saturated": 0.1,
    "longer_chosen": 0.2,
    "longer_preferred": 0.3,
}
"""Chosen answers fell by 0.1 nats a token."""
HEALTH = Health(window=2)


def series(*changes: dict[str, float]) -> list[dict[str, float]]:
    """A step for each change of a healthy one, after the line of validation that comes first."""
    steps = [{**WELL, **change, "step": at} for at, change in enumerate(changes, start=1)]
    return [{"step": 0, "valid_loss": 0.69}, *steps]


def names(found: list[Alarm]) -> list[tuple[str, int]]:
    return [(alarm.name, alarm.step) for alarm in found]


def test_a_healthy_series_raises_no_alarm() -> None:
    assert alarms(series(*[{}] * 30), HEALTH) == []


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"log_ratio_chosen": -24.0}, "chosen collapse", "0.60 nats a token less likely"),
        ({"saturated": 0.85}, "saturated margins", "85% of the pairs"),
        ({"longer_preferred": 0.75}, "length drift", "leads by 55% of the pairs more"),
    ],
)
def test_each_way_to_go_wrong_has_its_alarm(
    change: dict[str, float], name: str, words: str
) -> None:
    """24 nats of 40 tokens are 0.6 a token; a lead of 0.75 is 0.55 over the people's 0.2."""
    (alarm,) = alarms(series({}, {}, change, change), HEALTH)
    assert (alarm.name, alarm.step) == (name, 4)
    assert words in alarm.text


@pytest.mark.parametrize(
    "change",
    [{"log_ratio_chosen": -20.0}, {"saturated": 0.8}, {"longer_preferred": 0.7}],
)
def test_at_its_bound_an_alarm_is_still_silent(change: dict[str, float]) -> None:
    assert alarms(series(change, change), HEALTH) == []


def test_one_bad_step_in_a_window_is_not_enough() -> None:
    assert alarms(series({}, {"saturated": 1.0}, {}, {}), HEALTH) == []


def test_an_alarm_is_told_once_while_it_lasts_and_again_when_it_comes_back() -> None:
    bad = {"saturated": 1.0}
    assert names(alarms(series(bad, bad, bad, {}, {}, bad, bad), HEALTH)) == [
        ("saturated margins", 2),
        ("saturated margins", 7),
    ]


def test_a_rising_chosen_answer_and_a_love_of_short_ones_are_no_alarm() -> None:
    good = {"log_ratio_chosen": 50.0, "longer_preferred": -1.0}
    assert alarms(series(good, good, good), HEALTH) == []


def test_an_undecided_model_does_not_drift_where_people_prefer_the_shorter_answer() -> None:
    undecided = {"longer_chosen": -1.0, "longer_preferred": 0.0}
    assert alarms(series(undecided, undecided), HEALTH) == []


def test_an_objective_without_such_signs_is_never_alarming() -> None:
    assert alarms([{"step": at, "loss": 9.0} for at in range(5)], HEALTH) == []


def test_what_is_heard_step_by_step_is_what_the_whole_series_says() -> None:
    bad = {"saturated": 1.0}
    whole = series({}, bad, bad, bad, {}, {}, bad, bad)
    heard: list[Alarm] = []
    for end in range(2, len(whole) + 1):
        heard += HEALTH.listen(whole[:end])
    assert heard == alarms(whole, HEALTH)


@pytest.mark.parametrize("lasting", [2, 3, 9])
def test_an_alarm_that_stops_stops_for_as_long_as_it_lasts(lasting: int) -> None:
    stopping = Health(window=2, on_alarm="stop")
    with pytest.raises(ModelError, match=r"step .*: 100% of the pairs.*lower learning_rate"):
        stopping.listen(series(*[{"saturated": 1.0}] * lasting))
    assert stopping.listen(series({}, {}, {})) == []


@pytest.mark.parametrize(
    "setting", [{"window": 0}, {"saturated_share": 1.5}, {"chosen_fall": 0}, {"on_alarm": "cry"}]
)
def test_a_bound_that_makes_no_sense_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        Health(**setting)
