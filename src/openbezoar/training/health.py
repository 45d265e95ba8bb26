"""Watches a preference training for the known ways in which it goes wrong while its loss falls."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, PositiveFloat, PositiveInt

from openbezoar.component import Component
from openbezoar.errors import ModelError

__all__ = ["Alarm", "Health", "alarms"]

Metrics = dict[str, float]
"""What a step reports; each value is a mean over the pairs of the step."""


class Health(Component):
    """When the alarm is raised, and what follows."""

    on_alarm: Literal["warn", "stop"] = "warn"
    """warn: a line, and a record in the numbers. stop: the training ends there, resumably."""
    window: PositiveInt = 10
    """Steps that are looked at together; a single step says little."""
    chosen_fall: PositiveFloat = 0.5
    """How far, in nats a token, chosen answers may fall below the reference's log-probability."""
    saturated_share: float = Field(default=0.8, gt=0, le=1)
    """The share of pairs that may have a margin so wide that nothing more is learned from them."""
    length_drift: PositiveFloat = 0.5
    """How much more than people the model may prefer the longer answer. People prefer it by the
    share of pairs that it wins less the share that it loses, at least by nothing; the model, by how
    sure it is of each pair, 2 s(margin) - 1."""

    def listen(self, metrics: Sequence[Metrics]) -> "list[Alarm]":
        """The alarms that the last step raises.

        ModelError where they are to stop the run, also one that goes on and was told before.
        """
        if self.on_alarm == "warn":
            heard = alarms(metrics[-self.window - 1 :], self)
            return [alarm for alarm in heard if alarm.step == metrics[-1]["step"]]
        for alarm in alarms(metrics[-self.window :], self):
            raise ModelError(
                f"{alarm.text}; lower learning_rate or raise beta, or let it run on with "
                "runtime.health.on_alarm=warn"
            )
        return []


class Alarm(NamedTuple):
    """What went wrong, and the step at which it did."""

    name: Literal["chosen collapse", "saturated margins", "length drift"]
    step: int
    text: str


def alarms(metrics: Sequence[Metrics], health: Health) -> list[Alarm]:
    """Every alarm of a series of steps, told where it begins and not again while it lasts.

    Means over `window` steps are compared with the bounds; steps without signs of health, such as
    those of another objective, raise none.
    """
    steps = [line for line in metrics if "log_ratio_chosen" in line]
    found: list[Alarm] = []
    before: set[str] = set()
    for end in range(health.window, len(steps) + 1):
        now = _ringing(steps[end - health.window : end], health)
        found += [alarm for alarm in now if alarm.name not in before]
        before = {alarm.name for alarm in now}
    return found


def _ringing(window: Sequence[Metrics], health: Health) -> list[Alarm]:
    step = int(window[-1]["step"])
    fall = -_mean(window, "log_ratio_chosen") / _mean(window, "answer_tokens_chosen")
    saturated = _mean(window, "saturated")
    # an undecided model does not drift where people prefer the shorter answer
    drift = _mean(window, "longer_preferred") - max(0.0, _mean(window, "longer_chosen"))
    signs = (
        (fall > health.chosen_fall, Alarm("chosen collapse", step,
            f"step {step}: chosen answers are {fall:.2f} nats a token less likely than before "
            f"training (over {health.chosen_fall:g})")),
        (saturated > health.saturated_share, Alarm("saturated margins", step,
            f"step {step}: {saturated:.0%} of the pairs have a margin from which nothing is "
            f"learned (over {health.saturated_share:.0%})")),
        (drift > health.length_drift, Alarm("length drift", step,
            f"step {step}: the longer answer leads by {drift:.0%} of the pairs more than people "
            f"let it (over {health.length_drift:.0%})")),
    )  # fmt: skip
    return [alarm for is_so, alarm in signs if is_so]


def _mean(window: Sequence[Metrics], name: str) -> float:
    return sum(line[name] for line in window) / len(window)
