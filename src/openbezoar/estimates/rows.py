"""What stages that ask no model will do, source and mix; and where a stage stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openbezoar.errors import DataError
from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence, Known
from openbezoar.estimates.memory import LIGHT, MEBIBYTE, WARM
from openbezoar.families import Flow, Length
from openbezoar.ranges import NOTHING, Range, exactly, total
from openbezoar.recipe import Recipe
from openbezoar.stages.mix import MixStage
from openbezoar.stages.source import SourceStage

__all__ = ["UNKNOWN", "UNSEEN", "Place", "disk_of", "floor_of", "held", "mix", "source"]

UNSEEN = Length(Range(low=15, likely=80, high=500), Range(low=15, likely=100, high=500))
"""A row of which nobody has seen any."""
UNCOUNTED = Range(low=0, likely=40, high=4000)
"""Megabytes of rows that nobody has counted: a source holds them only to draw some by chance."""
UNKNOWN = "how many rows there are is not known before they are read; --probe reads them"


@dataclass(frozen=True)
class Place:
    """Where a stage stands: what is known above it and of it."""

    name: str
    recipe: Recipe
    flows: Mapping[str, Flow]
    known: Known
    is_warm: bool = False
    """Whether a stage before it in this run loads torch."""

    @property
    def evidence(self) -> Evidence | None:
        """What was seen of this very stage."""
        return self.known.evidence.get(self.name)


def source(stage: SourceStage, place: Place) -> Work:
    """Rows from outside: as many as a look at the files promises."""
    seen = place.evidence if place.evidence and place.evidence.basis == "probe" else None
    notes: tuple[str, ...] = ()
    if seen is not None:
        rows = exactly(seen.numbers["rows"])
        flow = Flow(rows, seen.length())
    else:
        flow, notes = _looked_at(stage)
    seconds = None if flow.rows is None else flow.rows * Range(low=0, likely=1e-4, high=5e-3)
    memory = floor_of(place) + (held(flow) or UNCOUNTED)
    return Work(
        flow, seconds=seconds, memory_mb=memory, disk_mb=disk_of(flow), notes=notes,
        basis="settings" if seen is None else "probe",
    )  # fmt: skip


def mix(stage: MixStage, place: Place) -> Work:
    """Rows joined, and a share of them set apart."""
    parts = [place.flows[name] for name in stage.rows]
    counts = [part.rows.at_most(stage.limit or float("inf")) for part in parts if part.rows]
    if len(counts) < len(parts):
        return Work(Flow(None), notes=(UNKNOWN,))
    rows = sum(counts, NOTHING)
    lengths = [part.length for part in parts]
    flow = Flow(rows, _mean_length(lengths, counts), rows * stage.validation)
    return Work(
        flow, seconds=rows * exactly(1e-4), memory_mb=total([floor_of(place), held(flow)]),
        disk_mb=disk_of(flow),
    )  # fmt: skip


def floor_of(place: Place) -> Range:
    """What the process holds before the stage begins."""
    return WARM if place.is_warm else LIGHT


def held(flow: Flow) -> Range | None:
    """Rows in memory: their text some times over."""
    each = _tokens(flow)
    return each and each * Range(low=0, likely=4 * 4 / MEBIBYTE, high=4 * 20 / MEBIBYTE)


def disk_of(flow: Flow) -> Range | None:
    """The rows' files: their text, and its frame of JSON."""
    each = _tokens(flow, frame=100)
    return each and each * Range(low=3 / MEBIBYTE, likely=5 / MEBIBYTE, high=10 / MEBIBYTE)


def _tokens(flow: Flow, frame: int = 0) -> Range | None:
    """The tokens of all rows; those that nobody has seen are as long as any."""
    length = flow.length or UNSEEN
    if flow.rows is None:
        return None
    return flow.rows * (length.asked + length.answered + exactly(frame))


def _mean_length(lengths: Sequence[Length | None], counts: Sequence[Range]) -> Length | None:
    """The length of rows of several stages, each counted as often as it likely has rows."""
    known = [(one, each.likely) for one, each in zip(lengths, counts, strict=True) if one]
    every = sum(count for _, count in known)
    if len(known) < len(lengths) or not every:
        return None
    asked = sum((one.asked * (count / every) for one, count in known), NOTHING)
    return Length(asked, sum((one.answered * (count / every) for one, count in known), NOTHING))


def _looked_at(stage: SourceStage) -> tuple[Flow, tuple[str, ...]]:
    try:
        flow = stage.source.expects()
    except DataError as error:
        most = stage.source.most()
        rows = None if most is None else Range(low=0.5 * most, likely=most, high=most)
        return Flow(rows), (f"its rows were not looked at: {error}",)
    return flow, (UNKNOWN,) if flow.rows is None else ()
