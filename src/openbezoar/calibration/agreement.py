"""How far a judge agrees with a person, and what each threshold on its rating would keep."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from openbezoar.records import Grade
from openbezoar.statistics import Estimate, auc, auc_interval, kappa, share

__all__ = [
    "Agreement",
    "Judgement",
    "Point",
    "agreement",
    "choose",
    "curve",
    "discrimination",
    "majority",
    "spread",
]

Category = TypeVar("Category", bound=Hashable)


class Judgement(NamedTuple):
    """One row, as a person and as the judge saw it; the judge's grade can be read."""

    accepted: bool
    """By the person."""
    grade: Grade


class Agreement(NamedTuple, Generic[Category]):
    """What two raters have in common."""

    agreement: Estimate
    kappa: Estimate
    confusion: dict[tuple[Category, Category], int]
    """How often each pair of categories occurred, the first rater's first."""


class Point(NamedTuple):
    """What keeping rows from this rating on would keep."""

    threshold: float
    precision: Estimate
    """The share of the kept rows that the person accepts."""
    recall: Estimate
    """The share of the rows the person accepts that are kept."""


def majority(votes: Iterable[Category]) -> Category | None:
    """The category with more votes than any other; None when the lead is shared, or without votes.

    A tie is nobody's opinion: no vote breaks it, and the row is left out and counted.
    """
    leading = Counter(votes).most_common(2)
    if not leading or (len(leading) == 2 and leading[0][1] == leading[1][1]):
        return None
    return leading[0][0]


def agreement(pairs: Sequence[tuple[Category, Category]]) -> Agreement[Category]:
    """Compare two raters over any number of categories."""
    same = sum(one == other for one, other in pairs)
    return Agreement(share(same, len(pairs)), kappa(pairs), dict(Counter(pairs)))


def curve(judgements: Sequence[Judgement]) -> list[Point]:
    """A point for every rating given, lowest first; rows without a rating are kept at none."""
    wanted = sum(judgement.accepted for judgement in judgements)
    rated = [
        (judgement.grade.rating, judgement.accepted)
        for judgement in judgements
        if judgement.grade.rating is not None
    ]
    given, good = (
        Counter(rating for rating, _ in rated),
        Counter(r for r, accept in rated if accept),
    )
    points, kept, right = [], 0, 0
    for rating in sorted(given, reverse=True):
        kept, right = kept + given[rating], right + good[rating]
        points.append(Point(rating, share(right, kept), share(right, wanted)))
    return points[::-1]


def choose(points: Sequence[Point], precision: float) -> Point | None:
    """The lowest threshold whose measured precision is at least the wanted one."""
    reached = (
        p for p in points if p.precision.value is not None and p.precision.value >= precision
    )
    return min(reached, key=lambda point: point.threshold, default=None)


def spread(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many of the points, evenly over the list, its first and last among them."""
    if len(points) <= most:
        return list(points)
    return [points[place * (len(points) - 1) // (most - 1)] for place in range(most)]


def discrimination(judgements: Sequence[Judgement]) -> Estimate:
    """How often a row that the person accepts is rated above one that the person rejects."""
    rated = [(judgement.accepted, judgement.grade.rating) for judgement in judgements]
    good = [rating for accepted, rating in rated if accepted and rating is not None]
    bad = [rating for accepted, rating in rated if not accepted and rating is not None]
    area, n = auc(good, bad), len(good) + len(bad)
    if area is None:
        return Estimate(None, n, None, None, None)
    return Estimate(area, n, None, *auc_interval(area, len(good), len(bad)))
