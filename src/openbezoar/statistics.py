"""How sure a number is: intervals, means with their error, and the area under the ROC curve."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple, TypeVar

__all__ = ["Estimate", "Interval", "auc", "bootstrap", "mean", "wilson"]

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
