"""How sure a number is: shares, means, agreement and differences, each with its interval."""

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from statistics import NormalDist, correlation, fmean, stdev
from typing import NamedTuple, TypeVar

__all__ = [
    "Difference",
    "Estimate",
    "Interval",
    "Paired",
    "auc",
    "auc_interval",
    "bootstrap",
    "holm",
    "kappa",
    "mean",
    "paired_difference",
    "rank_correlation",
    "share",
    "student",
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


class Paired(NamedTuple):
    """One row that both models were measured on, such as a question with its turns."""

    difference: float
    """The sum, over what the row holds, of the second model's value less the first's."""
    weight: float = 1.0
    """How much the row holds: turns, tokens."""


class Difference(NamedTuple):
    """A mean difference over rows, with its 95 % interval and how easily chance gives it."""

    value: float
    n: int
    low: float
    high: float
    p: float

    @property
    def covers_zero(self) -> bool:
        """Whether no difference at all is among what the rows allow."""
        return self.low <= 0 <= self.high


def wilson(successes: float, n: float) -> Interval:
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


def student(n: int) -> float:
    """How many standard errors, known from n values, leave 2.5 % on either side of their mean.

    Student's quantile by Wallace's approximation (1959): from 4 values on at most 1.2 % too large.
    """
    freedom = n - 1
    square = (TWO_SIDED_95 * (8 * freedom + 3) / (8 * freedom + 1)) ** 2
    return math.sqrt(freedom * math.expm1(square / freedom))


def mean(values: Sequence[float]) -> Estimate:
    """The mean with its standard error and Student's 95 % interval; one value has no error."""
    if not values:
        return Estimate(None, 0, None, None, None)
    value = fmean(values)
    if len(values) == 1:
        return Estimate(value, 1, None, None, None)
    error = stdev(values) / math.sqrt(len(values))
    half = student(len(values)) * error
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


def paired_difference(
    rows: Sequence[Paired], stream: random.Random, rounds: int = 2000
) -> Difference | None:
    """The mean difference per unit of weight by the paired bootstrap; None without weight.

    Rows are drawn with replacement. Draws from few rows lie too close together, so the interval
    takes the percentiles that are as far out as Student's interval is (Hesterberg 2015,
    arXiv 1411.5279, "expanded percentile"), and `p` is Student's for the error they show. It is
    never less than a sign test on as many unequal rows could give: three rows show nothing.
    """
    held = [row for row in rows if row.weight > 0]
    if not held:
        return None
    value, n = _mean_difference(held), len(held)
    drawn = sorted(_mean_difference(stream.choices(held, k=n)) for _ in range(rounds))
    edge = round(_tail(n) * (rounds - 1))
    unequal = sum(row.difference != 0 for row in held)
    p = min(1.0, max(_chance(value, stdev(drawn), n), 2 * 0.5**unequal))
    return Difference(value, n, drawn[edge], drawn[rounds - 1 - edge], p)


def holm(values: Sequence[float]) -> list[float]:
    """The p-values corrected for being several (Holm's step-down), in their order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, floor = [0.0] * len(values), 0.0
    ranked = sorted(range(len(values)), key=lambda place: values[place])
    for rank, place in enumerate(ranked):
        floor = max(floor, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = floor
    return corrected


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> Estimate:
    """Spearman's correlation with Fisher's 95 % interval; unknown where a side never varies."""
    n = len(pairs)
    sides = [_ranks([pair[side] for pair in pairs]) for side in (0, 1)]
    if n < 2 or any(len(set(side)) < 2 for side in sides):
        return Estimate(None, n, None, None, None)
    # Rounding may carry a perfect correlation past 1.
    value = max(-1.0, min(1.0, correlation(*sides)))
    if n < 4 or abs(value) == 1:
        return Estimate(value, n, None, None, None)
    half = TWO_SIDED_95 * math.sqrt((1 + value * value / 2) / (n - 3))  # Bonett and Wright
    low, high = (math.tanh(math.atanh(value) + way * half) for way in (-1, 1))
    return Estimate(value, n, None, low, high)


def _mean_difference(rows: Sequence[Paired]) -> float:
    return sum(row.difference for row in rows) / sum(row.weight for row in rows)


def _tail(n: int) -> float:
    """The share of draws from n rows that lies outside on either side of a 95 % interval."""
    return NormalDist().cdf(-student(n) * math.sqrt(n / (n - 1))) if n > 1 else 0.0


def _chance(value: float, spread: float, n: int) -> float:
    """How often chance puts a mean over n rows so far from zero, by the spread of its draws."""
    if n == 1 or not value:
        return 1.0
    if not spread:
        return 0.0
    freedom = n - 1
    square = (value / spread) ** 2 * freedom / n
    normal = math.sqrt(freedom * math.log1p(square / freedom)) * (8 * freedom + 1)
    return 2 * NormalDist().cdf(-normal / (8 * freedom + 3))


def _ranks(values: Sequence[float]) -> list[float]:
    """Each value's place among all, counted from 1; equal values share their mean place."""
    counts, places, passed = Counter(values), {}, 0
    for value in sorted(counts):
        places[value] = passed + (counts[value] + 1) / 2
        passed += counts[value]
    return [places[value] for value in values]


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
