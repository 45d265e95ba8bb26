"""What the artifacts of a probe or of an earlier run tell of a stage that is still to be made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean, stdev
from typing import Any

from openbezoar import jsonl
from openbezoar.estimates.estimate import Basis
from openbezoar.families import Expected, Flow, Length, length_of
from openbezoar.ranges import Range, exactly
from openbezoar.records import ROWS, Row
from openbezoar.stages.asked import Asked
from openbezoar.store import Artifact

__all__ = ["Evidence", "Known", "flow_of"]

LOOK = 400
"""How many rows or calls are read."""


@dataclass(frozen=True)
class Evidence:
    """An artifact, and where it comes from."""

    artifact: Artifact
    basis: Basis

    @property
    def numbers(self) -> dict[str, Any]:
        """What the stage said of itself."""
        return dict(self.artifact.numbers)

    @property
    def usage(self) -> dict[str, float]:
        """What was asked of models."""
        found: Any = self.artifact.manifest.run.get("usage")
        return dict(found) if isinstance(found, dict) else {}

    def measured(self, name: str) -> float | None:
        """`seconds` or `peak_memory_mb`."""
        found = self.artifact.manifest.run.get(name)
        return float(found) if isinstance(found, int | float) else None

    def length(self) -> Length | None:
        """How long its rows are."""
        return flow_of(self.artifact).length

    def each_call(self) -> Expected | None:
        """What one call of a scheme asked and gave, with twice the standard error around it."""
        path = self.artifact.folder / "asked.jsonl"
        if not path.is_file():
            return None
        calls = list(islice(jsonl.read(path, Asked), LOOK))
        if not calls:
            return None
        answers = [[one.answer for one in call.exchanges if one.answer] for call in calls]
        read = [[one.tokens_in for one in given] for given in answers]
        written = [[one.tokens_out for one in given] for given in answers]
        if any(None in each for each in (*read, *written)):  # a server did not count them
            return None
        draws = self.numbers.get("draws") or self.numbers.get("seeds") or len(calls)
        made = self.numbers["rows"] / draws
        return Expected(
            around([float(len(call.exchanges)) for call in calls]),
            around([float(sum(filter(None, each))) for each in read]),
            around([float(sum(filter(None, each))) for each in written]),
            _spread(made, _deviation(made, len(calls))),
        )


@dataclass(frozen=True)
class Known:
    """All that is known beside the recipe."""

    evidence: Mapping[str, Evidence]
    """By stage."""
    flops: float | None = None
    """The operations a second of the device's matrix products, where they were measured."""


def around(values: Sequence[float]) -> Range:
    """The mean of a sample, with twice its standard error to either side."""
    mean = fmean(values)
    if len(values) < 2:
        return Range(low=0.5 * mean, likely=mean, high=2 * mean)
    return _spread(mean, stdev(values) / len(values) ** 0.5)


def flow_of(artifact: Artifact) -> Flow:
    """The rows of an artifact: counted, and the first of them looked at."""
    numbers: dict[str, Any] = dict(artifact.numbers)
    if "train" in numbers and "valid" in numbers:
        count, valid = numbers["train"] + numbers["valid"], exactly(numbers["valid"])
        return Flow(exactly(count), _length(_rows(artifact, "train.jsonl")), valid)
    rows = numbers.get("rows")
    if rows is None:
        return Flow(None)
    return Flow(exactly(rows), _length(_rows(artifact, "rows.jsonl")))


def _rows(artifact: Artifact, name: str) -> Iterator[Row]:
    record = ROWS.get(artifact.manifest.makes.removesuffix(" data set"))
    path = artifact.folder / name
    return jsonl.read(path, record) if record and path.is_file() else iter(())


def _length(rows: Iterator[Row]) -> Length | None:
    found = [length_of(row) for row in islice(rows, LOOK)]
    if not found:
        return None
    sides: Callable[[int], Range] = lambda side: around([one[side] for one in found])  # noqa: E731
    return Length(sides(0), sides(1))


def _deviation(mean: float, n: int) -> float:
    """The standard error of a mean count, as if rows came by chance."""
    return float((max(mean, 1 / n) / n) ** 0.5)


def _spread(mean: float, error: float) -> Range:
    return Range(low=max(0.0, mean - 2 * error), likely=mean, high=mean + 2 * error)
