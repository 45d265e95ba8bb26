"""The mean over everything that clustered rows hold, with an error that knows the clusters."""

import math
from collections.abc import Sequence

from openbezoar.statistics import TWO_SIDED_95, Estimate

__all__ = ["pooled"]


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
    half = TWO_SIDED_95 * error
    return Estimate(value, rows, error, value - half, value + half)
