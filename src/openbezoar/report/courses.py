"""The courses of training in a store: loss and accuracy by step, and before and after."""

from typing import Any, NamedTuple

from openbezoar import jsonl
from openbezoar.errors import DataError
from openbezoar.report.contents import Contents, Made
from openbezoar.report.numbers import TrainNumbers

__all__ = ["METRICS", "Course", "courses"]

METRICS = ("loss", "margin", "accuracy")
"""What is drawn, in training and as `valid_...` on the validation rows."""
NAMES = tuple(name for metric in METRICS for name in (metric, f"valid_{metric}"))

Point = tuple[float, float]


class Course(NamedTuple):
    """One train stage."""

    name: str
    objective: str
    numbers: TrainNumbers
    lines: dict[str, list[Point]]
    """The measurements (step, value) of every metric, those on validation rows as `valid_...`."""
    problem: str
    """Why the measurements cannot be read, where they cannot."""


def courses(contents: Contents) -> list[Course]:
    """Every train stage, in the order of making."""
    return [_course(made) for made in contents.latest if isinstance(made.numbers, TrainNumbers)]


def _course(made: Made) -> Course:
    assert isinstance(made.numbers, TrainNumbers)  # noqa: S101 - `courses` picks train stages
    objective = made.settings.get("objective")
    kind = str(objective.get("kind", "")) if isinstance(objective, dict) else ""
    lines: dict[str, list[Point]] = {}
    problem = ""
    try:
        metrics = [line for _, line in jsonl.read_objects(made.artifact.folder / "metrics.jsonl")]
        found = {name: _line(metrics, name) for name in NAMES}
        lines = {name: line for name, line in found.items() if line}
    except DataError as error:
        problem = str(error).removeprefix(f"{made.artifact.folder}/")
    return Course(made.name, kind, made.numbers, lines, problem)


def _line(metrics: list[dict[str, Any]], name: str) -> list[Point]:
    # At step 0 model and reference are one: every margin is 0, and no pair is right or wrong.
    first = 1 if name == "valid_accuracy" else 0
    return [
        (float(one["step"]), float(one[name]))
        for one in metrics
        if isinstance(one.get(name), int | float)
        and isinstance(one.get("step"), int | float)
        and one["step"] >= first
    ]
