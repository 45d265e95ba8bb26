"""How the judges of a store are told of."""

import pytest

from openbezoar.report.contents import gather
from openbezoar.report.judging import trials
from tests.report.conftest import WARNING, Shelf, calibrated, figures_of

COUNTS = {"read": 5, "rows": 5, "rejected": {}}


def test_a_trial_names_its_judge_and_shows_the_good_answers_first(line: Shelf) -> None:
    (trial,) = trials(gather(line.store))
    assert (trial.numbers.judge, trial.numbers.label) == ("likelihood", "smollm2-135m-instruct")
    assert [(one.kind, one.good) for one in trial.lines][:3] == [
        ("real", True), ("hard: right", True), ("mismatched", False),
    ]  # fmt: skip


def test_a_line_holds_what_was_counted_and_how_sure_it_is(line: Shelf) -> None:
    (trial,) = trials(gather(line.store))
    shuffled = {one.kind: one for one in trial.lines}["shuffled"]
    assert (shuffled.n, shuffled.unreadable, shuffled.accepted) == (24, 0, 0.33)
    assert shuffled.auc_interval == pytest.approx((0.71, 0.91))


def test_a_trial_repeats_the_warnings_of_its_stage(line: Shelf) -> None:
    (trial,) = trials(gather(line.store))
    assert trial.warnings == (WARNING,)


@pytest.mark.parametrize(
    ("label", "small"),
    [("smollm2-135m-instruct", True), ("Model-0.5B", True), ("open_llama_3b_v2", False),
     ("mine", False), ("mamba", False)],
)  # fmt: skip
def test_a_likelihood_judge_is_said_to_be_one_of_a_small_model_where_it_is(
    shelf: Shelf, label: str, small: bool
) -> None:
    judge = {"judge": "likelihood", "model": "student", "label": label}
    shelf.put("kept", "filter", "examples", {**COUNTS, "judges": [judge]})
    (trial,) = trials(gather(shelf.store))
    assert trial.cautions[0].startswith("This is a likelihood judge")
    assert ("a small model" in trial.cautions[0]) is small


@pytest.mark.parametrize(("area", "cautions"), [(0.95, 0), (0.58, 1)])
def test_a_judge_that_misses_subtle_mistakes_is_said_to(
    shelf: Shelf, area: float, cautions: int
) -> None:
    figures = figures_of({"real": (1, None), "hard_right": (1, None), "hard_wrong": (1, area)})
    judge = {"judge": "acceptance", "model": "proxy", **figures}
    shelf.put("kept", "filter", "examples", {**COUNTS, "judges": [judge]})
    (trial,) = trials(gather(shelf.store))
    assert len(trial.cautions) == cautions
    assert all("AUC 0.58" in caution for caution in trial.cautions)


def test_a_judge_that_was_not_tried_has_no_lines(shelf: Shelf) -> None:
    judge = {"judge": "acceptance", "model": "proxy", "label": "gpt"}
    shelf.put("kept", "filter", "examples", {**COUNTS, "judges": [judge]})
    (trial,) = trials(gather(shelf.store))
    assert (trial.lines, trial.cautions) == ([], ())


def test_two_judges_of_a_stage_have_a_trial_each(shelf: Shelf) -> None:
    judges = [{"judge": "likelihood", "model": "a"}, {"judge": "acceptance", "model": "b"}]
    shelf.put("kept", "filter", "examples", {**COUNTS, "judges": judges})
    assert [trial.numbers.judge for trial in trials(gather(shelf.store))] == [
        "likelihood", "acceptance",
    ]  # fmt: skip


def test_a_filter_without_a_judge_has_no_trial(shelf: Shelf) -> None:
    shelf.put("kept", "filter", "examples", COUNTS, settings={"filters": [{"kind": "length"}]})
    assert trials(gather(shelf.store)) == []


def test_a_calibration_shows_what_labels_say_of_its_judge(shelf: Shelf) -> None:
    shelf.put("kept", "filter", "examples", calibrated())
    (trial,) = trials(gather(shelf.store))
    assert [(one.name, one.value, one.n) for one in trial.figures] == [
        ("kappa", 0.47, 80), ("agreement", 0.8, 80), ("precision", 0.91, 80), ("recall", 0.62, 80),
    ]  # fmt: skip
    assert (trial.figures[0].low, trial.figures[0].high) == pytest.approx((0.39, 0.53))


@pytest.mark.parametrize(("mark", "stale"), [("0123", False), ("4567", True)])
def test_a_calibration_of_another_judge_is_stale(shelf: Shelf, mark: str, stale: bool) -> None:
    shelf.put("kept", "filter", "examples", calibrated(mark))
    (trial,) = trials(gather(shelf.store))
    assert trial.stale is stale


def test_of_two_judges_the_one_that_was_calibrated_says_so(shelf: Shelf) -> None:
    numbers = calibrated("4567")
    numbers["judges"].append({"judge": "acceptance", "model": "proxy", "mark": "4567"})
    shelf.put("kept", "filter", "examples", numbers)
    first, second = trials(gather(shelf.store))
    assert (first.calibration, first.stale) == (None, False)
    assert second.calibration is not None
    assert not second.stale
