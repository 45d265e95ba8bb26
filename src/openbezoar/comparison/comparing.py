"""Compares two sides row by row, and says of each metric whether a difference is shown."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from openbezoar.comparison.cells import Cell
from openbezoar.comparison.sides import Side
from openbezoar.errors import DataError
from openbezoar.families import random_for
from openbezoar.records import Record, Score
from openbezoar.statistics import Difference, Paired, holm, paired_difference

__all__ = ["LEVEL", "NO_DIFFERENCE", "Comparison", "Found", "compare"]

NO_DIFFERENCE = "no difference shown"
LEVEL = 0.05
"""How easily chance may give what is called a difference."""
ROUNDS = 2000
NOT_COMPARED = ("perplexity.", "ledger.perplexity.")
"""What says again in other units what a loss says."""


class Comparison(Record):
    """One metric on the rows that both sides have."""

    metric: str
    a: float
    b: float
    difference: float
    """B less A."""
    low: float
    high: float
    rows: int
    """What the bootstrap draws from."""
    unshared: int
    """Items that one side alone has a value for."""
    p: float
    p_corrected: float
    verdict: str
    flags: str = ""
    """What stands beside either score: measured on a part, zero, below chance."""
    reservations: str = ""
    """Settings that differ, where it was compared all the same."""


class Found(Record):
    """Everything that could be compared, and why the rest could not."""

    a: str
    b: str
    method: str
    comparisons: tuple[Comparison, ...]
    not_compared: dict[str, str]
    """The reason, by metric."""


class Pairing(NamedTuple):
    """One metric's values on the shared rows, before any correction."""

    metric: str
    a: float
    b: float
    found: Difference
    unshared: int
    higher_is_better: bool = True
    reservations: str = ""
    flags: str = ""


def compare(a: Side, b: Side, despite_settings: bool = False) -> Found:
    """Compare all that both sides measured; scores whose settings differ only where told so."""
    pairings: list[Pairing] = []
    refused: dict[str, str] = {}
    for metric in _metrics(a, b):
        found = _paired(metric, a, b, despite_settings)
        if isinstance(found, str):
            refused[metric] = found
        else:
            pairings.append(found)
    for measured, other in ((a, b), (b, a)):
        metric, mirrored = (f"mt_bench_pairs.{one.model}" for one in (other, measured))
        if metric in measured.scores:
            refused.pop(metric, None)
            refused.pop(mirrored, None)
            duel = _duelled(metric, measured, is_b=measured is b)
            if isinstance(duel, str):
                refused[metric] = duel
            else:
                pairings.append(duel)
            break  # the other side's games are between the same two
    if not pairings:
        reasons = "; ".join(f"{metric}: {why}" for metric, why in refused.items())
        raise DataError(
            f"{a.name} and {b.name} cannot be compared: {reasons or 'they measured nothing alike'}"
            + ("; --despite-settings compares all the same" if "settings differ" in reasons else "")
        )
    corrected = holm([pairing.found.p for pairing in pairings])
    return Found(
        a=a.title,
        b=b.title,
        method=(
            f"paired bootstrap over rows, {ROUNDS} draws, 95 % intervals, wider where rows are "
            f"few; p corrected for {len(pairings)} comparisons by Holm's method; a difference is "
            f"shown where the interval leaves out zero and the corrected p is at most {LEVEL}"
        ),
        comparisons=tuple(map(_judged, pairings, corrected)),
        not_compared=refused,
    )


def _metrics(a: Side, b: Side) -> list[str]:
    """The scores with items, and those without that stand for more than a part of another.

    Of what is better neither way, such as a length, no side can win.
    """
    scores = {**a.scores, **b.scores}
    return [
        name
        for name, score in scores.items()
        if score.higher_is_better is not None
        and (
            name in a.cells
            or name in b.cells
            or not name.startswith((*NOT_COMPARED, *(f"{other}." for other in scores)))
        )
    ]


def _paired(metric: str, a: Side, b: Side, despite_settings: bool) -> Pairing | str:
    scores = a.scores.get(metric), b.scores.get(metric)
    if scores[0] is None or scores[1] is None:
        return f"only {(a if scores[0] else b).name} measured it"
    if hindrance := _hindrance(metric, a) or _hindrance(metric, b):
        return hindrance
    differing = _differing(scores[0], scores[1])
    if differing and not despite_settings:
        return f"settings differ: {differing}"
    ours = {item: cells[0] for item, cells in a.cells[metric].items()}
    theirs = {item: cells[0] for item, cells in b.cells[metric].items()}
    found = _pairing(metric, ours, theirs, scores[0].higher_is_better is True, differing)
    return found if isinstance(found, str) else found._replace(flags=_flags(scores[0], scores[1]))


def _hindrance(metric: str, side: Side) -> str:
    """Why the items of a metric cannot stand for its score."""
    score, cells = side.scores[metric], side.cells.get(metric, {})
    if score.value is None:
        why = score.note.partition(";")[0] or "nothing could be measured"
        return f"{side.name} has no value: {why}"
    if any(len(several) > 1 for several in cells.values()):
        return f"{side.name} measured the same items twice; give each evaluation its own stage"
    held = [several[0] for several in cells.values()]
    if not held or not math.isclose(_mean(held), score.value, rel_tol=1e-6, abs_tol=1e-9):
        return f"{side.name}: the score is no mean over its items"
    return ""


def _pairing(
    metric: str,
    ours: Mapping[str, Cell],
    theirs: Mapping[str, Cell],
    higher_is_better: bool,
    reservations: str,
) -> Pairing | str:
    shared = [item for item in ours if item in theirs]
    if any(ours[item].weight != theirs[item].weight for item in shared):
        return "the same rows have other numbers of tokens: two tokenizers, no common measure"
    rows: dict[str, list[Paired]] = {}
    for item in shared:
        one, other = ours[item], theirs[item]
        paired = Paired(other.total - one.total, one.weight)
        rows.setdefault(one.row, []).append(paired)
    found = _difference(metric, rows)
    if isinstance(found, str):
        return found
    unshared = len(ours) + len(theirs) - 2 * len(shared)
    a, b = (_mean([side[item] for item in shared]) for side in (ours, theirs))
    return Pairing(metric, a, b, found, unshared, higher_is_better, reservations)


def _duelled(metric: str, side: Side, is_b: bool) -> Pairing | str:
    """The games between the two, as the side recorded them that played them; ties are half each."""
    if hindrance := _hindrance(metric, side):
        return hindrance
    rows: dict[str, list[Paired]] = {}
    for several in side.cells[metric].values():
        better = 2 * several[0].total - 1
        rows.setdefault(several[0].row, []).append(Paired(better if is_b else -better))
    found = _difference(metric, rows)
    if isinstance(found, str):
        return found
    share = (1 + found.value) / 2
    return Pairing(f"{metric}, head to head", 1 - share, share, found, 0)


def _difference(metric: str, rows: Mapping[str, list[Paired]]) -> Difference | str:
    pooled = [
        Paired(sum(one.difference for one in row), sum(one.weight for one in row))
        for row in rows.values()
    ]
    found = paired_difference(pooled, random_for("compare", metric), ROUNDS)
    return found or "they share no row"


def _judged(pairing: Pairing, corrected: float) -> Comparison:
    found = pairing.found
    verdict = NO_DIFFERENCE
    if not found.covers_zero and corrected <= LEVEL:
        b_wins = (found.value > 0) == pairing.higher_is_better
        verdict = "B is better" if b_wins else "A is better"
    return Comparison(
        metric=pairing.metric, a=pairing.a, b=pairing.b, difference=found.value, low=found.low,
        high=found.high, rows=found.n, unshared=pairing.unshared, p=found.p,
        p_corrected=corrected, verdict=verdict, reservations=pairing.reservations,
        flags=pairing.flags,
    )  # fmt: skip


def _flags(a: Score, b: Score) -> str:
    both = [flag for flag in a.flags if flag in b.flags]
    alone = [
        f"{side}: {flag}"
        for side, score in (("A", a), ("B", b))
        for flag in score.flags
        if flag not in both
    ]
    return "; ".join([*both, *alone])


def _differing(one: Score, other: Score) -> str:
    if not one.settings or not other.settings:
        return "a score does not say how it was made; evaluate again with this version"
    names = sorted(one.settings.keys() | other.settings.keys())
    pairs = [(name, one.settings.get(name), other.settings.get(name)) for name in names]
    return ", ".join(
        f"{name} {ours} and {theirs}" for name, ours, theirs in pairs if ours != theirs
    )


def _mean(cells: list[Cell]) -> float:
    return sum(cell.total for cell in cells) / sum(cell.weight for cell in cells)
