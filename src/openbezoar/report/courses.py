"""The courses of training in a store: loss and preferences by step, and before and after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from openbezoar import jsonl
from openbezoar.errors import DataError
from openbezoar.report.contents import Contents
from openbezoar.report.numbers import TrainNumbers
from openbezoar.store import SCRATCH

__all__ = ["METRICS", "Course", "courses"]

METRICS = {
    "loss": "",
    "margin": "chosen over rejected, in units of reward",
    "accuracy": "share of pairs ranked as people did",
    "reward_chosen": "β times the log-ratio to the reference",
    "reward_rejected": "β times the log-ratio to the reference",
}
"""What is drawn, in training and as `valid_...` on the validation rows, and in which unit."""
FIRST = {"accuracy": 2, "valid_accuracy": 1}
"""The step from which a measurement means something: model and reference are one until the first
update, every margin is 0 and no pair right or wrong; older artifacts have a 0 there."""
UNITS_OF_LOSS = {"sft": "nats a token", "dpo": "mean of the pairs"}
NAMES = tuple(name for metric in METRICS for name in (metric, f"valid_{metric}"))

Point = tuple[float, float]


class Course(NamedTuple):
    """One train stage."""

    name: str
    objective: str
    numbers: TrainNumbers | None
    """None while it is not finished."""
    lines: dict[str, list[Point]]
    """The measurements (step, value) of every metric, those on validation rows as `valid_...`."""
    problem: str
    """Why the measurements cannot be read, where they cannot."""

    def unit(self, metric: str) -> str:
        """What a metric is counted in."""
        return METRICS[metric] or UNITS_OF_LOSS.get(self.objective, "")


def courses(contents: Contents) -> list[Course]:
    """Every train stage, in the order of making, then what is begun and has measurements."""
    finished = [
        _course(made.name, made.settings, made.numbers, made.artifact.folder / "metrics.jsonl")
        for made in contents.latest
        if isinstance(made.numbers, TrainNumbers)
    ]
    files = [(begun, begun.folder / SCRATCH / "metrics.jsonl") for begun in contents.unfinished]
    return finished + [
        _course(f"{begun.name}-{begun.fingerprint}, unfinished", begun.settings, None, path)
        for begun, path in files
        if path.exists()
    ]


def _course(
    name: str, settings: Mapping[str, JsonValue], numbers: TrainNumbers | None, path: Path
) -> Course:
    objective = settings.get("objective")
    kind = str(objective.get("kind", "")) if isinstance(objective, dict) else ""
    metrics: list[dict[str, Any]] = []
    problem = ""
    try:
        metrics.extend(line for _, line in jsonl.read_objects(path))
    except DataError as error:
        problem = str(error).removeprefix(f"{path.parent}/")
    lines = {metric: line for metric in NAMES if (line := _line(metrics, metric))}
    return Course(name, kind, numbers, lines, problem)


def _line(metrics: list[dict[str, Any]], name: str) -> list[Point]:
    first = FIRST.get(name, 0)
    return [
        (float(one["step"]), float(one[name]))
        for one in metrics
        if isinstance(one.get(name), int | float)
        and isinstance(one.get("step"), int | float)
        and one["step"] >= first
    ]
