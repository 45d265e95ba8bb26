"""What is expected of one stage, and of all stages together."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from openbezoar.families import Expected, Flow
from openbezoar.ranges import Range, most, total
from openbezoar.records import Record

__all__ = ["Basis", "Estimate", "Work", "in_all"]

Basis = Literal["made", "probe", "earlier run", "settings"]
"""What an estimate rests on: the artifact itself, a few rows made to try, an artifact of the same
stage with other settings or rows, or the recipe alone."""


class Estimate(Record):
    """What one stage will take; an absent figure is not known."""

    stage: str
    kind: str
    fingerprint: str = ""
    basis: Basis = "settings"
    rows: Range | None = None
    """The rows, pairs or scored rows that come of it."""
    requests: Range | None = None
    tokens_in: Range | None = None
    tokens_out: Range | None = None
    usd: Range | None = None
    """What the models whose cost is known take; absent where no model bills."""
    unpriced: tuple[str, ...] = ()
    """Models that bill and whose cost nobody knows, for want of a price or of a count."""
    seconds: Range | None = None
    memory_mb: Range | None = None
    """The most main memory held at once."""
    gpu_mb: Range | None = None
    disk_mb: Range | None = None
    """What stays in the store."""
    notes: tuple[str, ...] = ()
    """What is not known, and what would tell."""


class Work(NamedTuple):
    """What a stage will do, before its price is known."""

    flow: Flow
    asked: dict[str, Expected] | None = {}
    """By model; None where nobody knows."""
    anew: dict[str, Expected] | None = None
    """The part of it that no kept answer serves; all of it where nothing is said."""
    seconds: Range | None = None
    memory_mb: Range | None = None
    gpu_mb: Range | None = None
    disk_mb: Range | None = None
    basis: Basis = "settings"
    notes: tuple[str, ...] = ()


def in_all(estimates: Sequence[Estimate]) -> Estimate:
    """The sum of all stages, one after the other; memory is that of the stage that holds most.

    A figure that one stage does not know is not known in all; of money, what is known is added up
    and the models whose cost is not are named.
    """
    priced = [one.usd for one in estimates if one.usd is not None]
    return Estimate(
        stage="total",
        kind="",
        requests=total(one.requests for one in estimates),
        tokens_in=total(one.tokens_in for one in estimates),
        tokens_out=total(one.tokens_out for one in estimates),
        usd=total(priced) if priced else None,
        unpriced=tuple(dict.fromkeys(name for one in estimates for name in one.unpriced)),
        seconds=total(one.seconds for one in estimates),
        memory_mb=most([one.memory_mb for one in estimates]),
        gpu_mb=most([one.gpu_mb for one in estimates if one.gpu_mb is not None]),
        disk_mb=total(one.disk_mb for one in estimates),
    )
