"""Which licence an adaptation of several works can be under, or why there is none."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from openbezoar.licences.facts import Licence, clashes

__all__ = ["Outcome", "combined", "side_by_side"]


class Outcome(NamedTuple):
    """The identifier of what is made of some works, or what stands in the way."""

    spdx: str | None
    conflicts: tuple[str, ...] = ()


def combined(licences: Iterable[Licence]) -> Outcome:
    """The licence of one work made of others, such as a row made from rows, or a model."""
    each = sorted(set(licences), key=lambda licence: licence.identifier)
    conflicts = [
        f"{one.identifier} does not let changed copies be passed on ({one.source})"
        for one in each
        if one.no_derivatives
    ]
    shared = [licence for licence in each if licence.share_alike]
    if shared:
        found, clash = _shared(shared, each)
        conflicts += clash
    else:
        found = _named(each)
    return Outcome(None, tuple(conflicts)) if conflicts else Outcome(found)


def side_by_side(expressions: Iterable[str]) -> str:
    """The expression for works that lie beside each other, each under its own licence."""
    parts = {part for expression in expressions for part in expression.split(" AND ")}
    return " AND ".join(sorted(parts))


def _named(licences: Sequence[Licence]) -> str:
    """Every licence of works without share-alike; those for earning nothing cover the others."""
    binding = [one for one in licences if one.non_commercial] or [
        one for one in licences if one.attribution
    ]
    return side_by_side(one.identifier for one in binding or licences[:1])


def _shared(shared: Sequence[Licence], each: Sequence[Licence]) -> tuple[str | None, list[str]]:
    """The licence that fits all share-alike works, the one that was asked for first of all."""
    fitting = [name for name in shared[-1].fits if all(name in licence.fits for licence in shared)]
    if not fitting:
        pairs = [
            f"{one.identifier} and {two.identifier} both want copies to stay under their own terms "
            f"({one.source}, {two.source})"
            for one, two in combinations(shared, 2)
            if not set(one.fits) & set(two.fits)
        ]
        return None, pairs or [f"no licence fits {', '.join(one.identifier for one in shared)}"]
    clashing = {name: [*_clashing(name, each)] for name in fitting}
    free = [name for name, clash in clashing.items() if not clash]
    if not free:
        return None, clashing[fitting[0]]
    unpaid = [one for one in each if one.non_commercial and not one.share_alike]
    if unpaid and not shared[0].non_commercial:
        return None, [
            f"{shared[0].identifier} lets everybody earn with copies, {one.identifier} nobody "
            f"({shared[0].source}, {one.source})"
            for one in unpaid
        ]
    return free[0], []


def _clashing(name: str, each: Sequence[Licence]) -> Iterator[str]:
    """Why a work cannot be under a licence, for what it was made of."""
    names = {licence.identifier for licence in each} | {name}
    for clash in clashes():
        if name in clash.of and clash.of <= names:
            both = " and ".join(sorted(clash.of))
            yield f"nothing can be under both {both} ({clash.source})"
