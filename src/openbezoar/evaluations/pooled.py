"""The mean over everything that clustered rows hold, and intervals that stay on its scale."""

import math
from collections.abc import Sequence

from openbezoar.statistics import TWO_SIDED_95, Estimate, student, wilson

__all__ = ["never_negative", "on_scale", "pooled"]

NOTHING = 1e-9
"""An error below this share of the scale is none: what is left of it is rounding."""


def pooled(totals: Sequence[float], counts: Sequence[int]) -> Estimate:
    """The sum of the totals over the sum of the counts, such as a loss per token over rows.

    Tokens of one row, or two turns of one question, are not independent: the error is that of a
    ratio of sums over the rows (the linearised ratio estimator). `n` is the number of rows.
    """
    counted = [(total, count) for total, count in zip(totals, counts, strict=True) if count]
    if not counted:
        return Estimate(None, 0, None, None, None)
    rows, held = len(counted), sum(count for _, count in counted)
    value = sum(total for total, _ in counted) / held
    if rows == 1:
        return Estimate(value, 1, None, None, None)
    squares = sum((total - value * count) ** 2 for total, count in counted)
    error = math.sqrt(squares * rows / (rows - 1)) / held
    half = student(rows) * error
    return Estimate(value, rows, error, value - half, value + half)


def on_scale(mean: Estimate, lowest: float, highest: float) -> Estimate:
    """The mean with an interval that cannot leave the scale its values are from.

    Wilson's, of the mean's place on the scale, for the number of yes-or-no rows that would have
    the same error. For shares of clustered surveys this effective sample size is usual (Franco,
    Little, Louis and Slud 2019, PMC6690503); fewer where the error is known from few rows, as in
    Korn and Graubard's interval. That it serves for ratings too is our own step, held to its 95 %
    by simulation (tests, docs/lab.md). Rows that all agree show no spread. What none of n rows
    showed may still be a share up to Wilson's bound of 0 in n, and lie at either end.
    """
    if mean.value is None or mean.standard_error is None:
        return mean
    width, above, below = highest - lowest, mean.value - lowest, highest - mean.value
    if mean.standard_error <= NOTHING * width:
        unseen = wilson(0, mean.n).high
        return mean._replace(low=mean.value - unseen * above, high=mean.value + unseen * below)
    rows = above * below / mean.standard_error**2 * (TWO_SIDED_95 / student(mean.n)) ** 2
    low, high = wilson(rows * above / width, rows)
    return mean._replace(low=lowest + low * width, high=lowest + high * width)


def never_negative(mean: Estimate) -> Estimate:
    """The mean with Student's interval, its lower end bent so that it stays above zero."""
    if not mean.value or mean.standard_error is None:
        return mean
    half = student(mean.n) * mean.standard_error
    return mean._replace(low=mean.value * math.exp(-half / mean.value), high=mean.value + half)
