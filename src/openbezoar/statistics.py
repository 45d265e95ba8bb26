"""How sure a number is: shares, means and agreement with intervals, and the area under the ROC."""

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple, TypeVar

__all__ = [
    "Estimate",
    "Interval",
    "auc",
    "auc_interval",
    "bootstrap",
    "kappa",
    "mean",
    "share",
    "wilson",
]

Row = TypeVar("Row")

TWO_SIDED_95 = 1.959963984540054
"""The normal quantile that leaves 2.5 % on either side."""


class Interval(NamedTuple):
    """The bounds of a 95 % interval."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A mean, the number of values it rests on, and how sure it is; absent where unknown."""

    value: float | None
    n: int
    standard_error: float | None
    low: float | None
    high: float | None


def wilson(successes: int, n: int) -> Interval:
    """The Wilson score interval of a share; from 0 to 1 when nothing was counted."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    share, square = successes / n, TWO_SIDED_95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    spread = math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    half = TWO_SIDED_95 * spread / (1 + square / n)
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def share(successes: int, n: int) -> Estimate:
    """A share with its Wilson 95 % interval; nothing is known of a share of nothing."""
    low, high = wilson(successes, n)
    if n == 0:
        return Estimate(None, 0, None, None, None)
    value = successes / n
    return Estimate(value, n, math.sqrt(value * (1 - value) / n), low, high)


def kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> Estimate:
    """Cohen's kappa of two raters over any categories; unknown when chance explains everything.

    The interval is Wilson's of the agreement, the agreement by chance held as observed. It keeps
    its 95 % where raters seldom differ and the bootstrap and large-sample intervals do not.
    """
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[category] * second[category] for category in first)
    if n * n == by_chance:  # no pairs, or one category only
        return Estimate(None, n, None, None, None)
    chance = by_chance / (n * n)
    agreed = sum(one == other for one, other in pairs)
    low, high = wilson(agreed, n)
    error = math.sqrt(agreed / n * (1 - agreed / n) / n)
    value, low, high = ((point - chance) / (1 - chance) for point in (agreed / n, low, high))
    return Estimate(value, n, error / (1 - chance), max(-1.0, low), high)


def mean(values: Sequence[float]) -> Estimate:
    """The mean with its standard error and normal 95 % interval; one value has no error."""
    if not values:
        return Estimate(None, 0, None, None, None)
    value = fmean(values)
    if len(values) == 1:
        return Estimate(value, 1, None, None, None)
    error = stdev(values) / math.sqrt(len(values))
    half = TWO_SIDED_95 * error
    return Estimate(value, len(values), error, value - half, value + half)


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """How often a positive scores above a negative, ties half; None when a side is empty."""
    if not positives or not negatives:
        return None
    above, below = Counter(positives), Counter(negatives)
    wins, passed = 0.0, 0
    for score in sorted(above.keys() | below.keys()):
        wins += above[score] * (passed + below[score] / 2)
        passed += below[score]
    return wins / (len(positives) * len(negatives))


def auc_interval(area: float, positives: int, negatives: int) -> Interval:
    """The interval of an area under the ROC curve; of use at 0 and 1 too (Newcombe's method 5)."""
    if not positives or not negatives:
        return Interval(0.0, 1.0)
    low, high = (_auc_bound(value, positives, negatives) for value in (area, 1 - area))
    return Interval(low, 1 - high)


def bootstrap(
    rows: Sequence[Row],
    measure: Callable[[Sequence[Row]], float],
    stream: random.Random,
    rounds: int = 1000,
) -> Interval | None:
    """The percentile interval of a measure over rows drawn with replacement; None without rows."""
    if not rows:
        return None
    drawn = sorted(measure(stream.choices(rows, k=len(rows))) for _ in range(rounds))
    edge = round(0.025 * (rounds - 1))
    return Interval(drawn[edge], drawn[rounds - 1 - edge])


def _auc_bound(area: float, positives: int, negatives: int) -> float:
    """The lowest true area that the one seen does not contradict, found by halving."""
    extra = (positives + negatives) / 2 - 1
    low, high = 0.0, area
    for _ in range(50):
        middle = (low + high) / 2
        pairs = 1 + extra * ((1 - middle) / (2 - middle) + middle / (1 + middle))
        variance = middle * (1 - middle) * pairs / (positives * negatives)
        if area - middle > TWO_SIDED_95 * math.sqrt(variance):
            low = middle
        else:
            high = middle
    return low
