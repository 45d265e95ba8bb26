"""The train stages behind a model: what each learned, and sequences of its rows to measure on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from openbezoar.errors import ParseError
from openbezoar.families import Bench
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import ROWS
from openbezoar.store import Artifact

if TYPE_CHECKING:
    from openbezoar.training.adapters import Precision
    from openbezoar.training.format import Encoded, Format

__all__ = ["Lesson", "lesson_of", "lessons_behind", "sequences"]


@dataclass(frozen=True)
class Lesson:
    """A train stage that is made."""

    stage: str
    data: str
    """The name of the data set it learned."""
    rows: Artifact
    """That data set."""
    precision: "Precision"
    max_tokens: int
    ledger: dict[str, JsonValue]
    """What was measured after it; empty where nothing was."""


def lesson_of(artifact: Artifact, bench: Bench) -> Lesson:
    """What a train stage learned, from what it made."""
    settings, numbers = _settings(artifact), artifact.numbers
    ledger = numbers.get("ledger")
    return Lesson(
        stage=artifact.manifest.stage,
        data=settings["data"],
        rows=bench.find(artifact.manifest.inputs[settings["data"]]),
        precision=settings["precision"],
        max_tokens=settings["optimisation"]["max_tokens"],
        ledger=ledger if isinstance(ledger, dict) else {},
    )


def lessons_behind(name: str, bench: Bench) -> list[Lesson]:
    """All train stages that a start point went through, the first one first."""
    found = [lesson_of(artifact, bench) for artifact in _trained_behind(name, bench)]
    return found[::-1]


def sequences(
    rows: Artifact, part: Literal["train", "valid"], format_: "Format", limits: tuple[int, int]
) -> "list[Encoded]":
    """The first rows of a data set that can be learned from, whose order is chance already.

    `limits` are the most rows, and the most tokens of one.
    """
    return list(islice(_encoded(rows, part, format_, limits[1]), limits[0]))


def _encoded(rows: Artifact, part: str, format_: "Format", limit: int) -> "Iterator[Encoded]":
    record = ROWS[rows.manifest.makes.removesuffix(" data set")]
    learning = SupervisedFineTuning()
    for row in rows.rows(record, f"{part}.jsonl"):
        try:  # a train stage read these rows, so that none of them is a seed
            yield from learning.encode(row, format_, limit)  # type: ignore[arg-type] # no seed
        except ParseError:
            continue


def _trained_behind(name: str, bench: Bench) -> Iterator[Artifact]:
    artifact = bench.inputs.get(name)
    while artifact is not None:
        settings = _settings(artifact)
        if "start" in settings:
            yield artifact
        before = settings["start" if "start" in settings else "adapter"]
        print_ = artifact.manifest.inputs.get(before)
        artifact = bench.find(print_) if print_ else None


def _settings(artifact: Artifact) -> dict[str, Any]:
    science: Any = artifact.manifest.science
    settings: dict[str, Any] = science["settings"]
    return settings
