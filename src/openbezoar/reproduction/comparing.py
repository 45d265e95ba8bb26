"""Compares what a run came to with what it came to before: bytes first, then numbers in bounds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from openbezoar.account import Account
from openbezoar.errors import StoreError
from openbezoar.store import Artifact, Manifest

__all__ = ["Line", "Number", "compare"]

Outcome = Literal["bytes equal", "within tolerance", "differs", "not compared"]
EXACT = 1e-9
"""What rounding alone may move a number by."""


class Number(NamedTuple):
    """One number then and now; None where there was none."""

    name: str
    then: float | None
    now: float | None
    allowed: float
    """How far apart the two may lie."""

    @property
    def within(self) -> bool:
        """Whether they lie near enough."""
        if self.then is None or self.now is None:
            return self.then is self.now
        apart = abs(self.now - self.then)
        return apart < math.inf and apart <= self.allowed + EXACT


class Line(NamedTuple):
    """One stage, or the scores of a card."""

    stage: str
    outcome: Outcome
    files: str
    """How many of its files are equal byte by byte."""
    numbers: str
    """How many of its numbers lie within the tolerance."""
    beyond: tuple[Number, ...]
    """Those that do not."""


def compare(account: Account, made: Sequence[Artifact], tolerance: float) -> list[Line]:
    """A line for every stage of either run, and one for a card's scores.

    A number may differ by this share of itself, a score also by its standard error. A stage of
    which one side tells nothing is not compared; a card tells of none.
    """
    then = {manifest.stage: manifest for manifest in account.made}
    here = {artifact.manifest.stage: artifact.manifest for artifact in made}
    both = [(before, here[name]) for name, before in then.items() if name in here]
    for before, now in both:
        if before.run.get("finished", "") == now.run.get("finished"):
            raise StoreError(
                f"{before.stage}: this store holds the run itself; "
                "make it anew in another: --store DIR"
            )
    lines = [_stage(before, now, tolerance) for before, now in both]
    lines += [
        _alone(name) for name in [*then, *here] if then and not (name in then and name in here)
    ]
    return lines + ([_card(account, made, tolerance)] if account.scores else [])


def _stage(before: Manifest, now: Manifest, tolerance: float) -> Line:
    same = sum(now.files.get(name) == digest for name, digest in before.files.items())
    numbers = _paired(dict(_leaves(before.numbers)), dict(_leaves(now.numbers)), tolerance)
    beyond = tuple(number for number in numbers if not number.within)
    outcome: Outcome = "differs" if beyond else "within tolerance" if numbers else "not compared"
    if before.files == now.files and before.files and not beyond:
        outcome = "bytes equal"
    files = f"{same} of {len(before.files.keys() | now.files.keys())}"
    within = f"{len(numbers) - len(beyond)} of {len(numbers)}"
    return Line(before.stage, outcome, files, within, beyond)


def _alone(stage: str) -> Line:
    """A stage that one side alone has."""
    return Line(stage, "not compared", "-", "-", ())


def _card(account: Account, made: Sequence[Artifact], tolerance: float) -> Line:
    """A card's scores beside those of what measured the same artifact here."""
    measured = [
        artifact.manifest.numbers.get("scores")
        for artifact in made
        if artifact.manifest.kind == "evaluate" and _measures(artifact.manifest, account)
    ]
    here = {name: leaf for scores in measured for name, leaf in _leaves(scores)}
    then = {
        f"{score.name}.value": (score.value, score.standard_error or 0.0)
        for score in account.scores
    }
    numbers = _paired(then, {name: here[name] for name in then if name in here}, tolerance)
    beyond = tuple(number for number in numbers if not number.within)
    outcome: Outcome = "differs" if beyond else "within tolerance"
    within = f"{len(numbers) - len(beyond)} of {len(numbers)}"
    return Line("scores of the card", outcome, "-", within, beyond)


def _measures(manifest: Manifest, account: Account) -> bool:
    wanted = account.fingerprint
    return not wanted or any(used.startswith(wanted) for used in manifest.inputs.values())


Leaf = tuple[float | None, float]
"""A number, and how far it may lie from another for its standard error."""


def _paired(then: Mapping[str, Leaf], now: Mapping[str, Leaf], tolerance: float) -> list[Number]:
    """The numbers of both by name, those that one side lacks among them."""
    absent: Leaf = (None, 0.0)
    found = []
    for name in dict.fromkeys([*then, *now]):
        (before, error), (after, _) = then.get(name, absent), now.get(name, absent)
        found.append(Number(name, before, after, max(error, tolerance * abs(before or 0.0))))
    return found


def _leaves(value: Any, place: str = "", error: float = 0.0) -> Iterator[tuple[str, Leaf]]:
    """Every number below a JSON value, by its dotted name; a score goes by the score's name."""
    if isinstance(value, dict):
        given = value.get("standard_error")
        error = _number(given) or 0.0 if isinstance(given, int | float) else error
        for name, below in value.items():
            if name != "standard_error":
                yield from _leaves(below, f"{place}.{name}" if place else name, error)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            name = str(below["name"]) if isinstance(below, dict) and "name" in below else number
            yield from _leaves(below, f"{place}.{name}" if place else str(name), error)
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield place, (_number(value), error)


def _number(value: float | None) -> float | None:
    """The number as it can be compared; no run counts beyond what a float holds."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return math.inf
