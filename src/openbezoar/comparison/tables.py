"""A comparison as a person reads it: rows of a table, and the lines below it."""

from typing import Any

from openbezoar.comparison.comparing import LEVEL, NO_DIFFERENCE, Found
from openbezoar.plurals import counted

__all__ = ["lines_below", "rows_of"]


def rows_of(found: Found) -> list[dict[str, Any]]:
    """One row a metric."""
    return [
        {
            "metric": one.metric,
            "A": one.a,
            "B": one.b,
            "B - A": one.difference,
            "low": one.low,
            "high": one.high,
            "rows": one.rows,
            "p": one.p,
            "p corrected": one.p_corrected,
            "verdict": one.verdict,
            "flags": one.flags or None,
        }
        for one in found.comparisons
    ]


def lines_below(found: Found) -> list[str]:
    """What A and B are, how they were compared, and what must be known of single metrics."""
    lines = [f"A is {found.a}, B is {found.b}", found.method]
    for one in found.comparisons:
        if one.verdict == NO_DIFFERENCE and not one.low <= 0 <= one.high:
            many = "alone it would be shown; among so many it may be chance"
            few = "too few rows differ to show anything, whatever the interval"
            lines.append(f"{one.metric}: {many if one.p <= LEVEL else few}")
        if one.unshared:
            lines.append(
                f"{one.metric}: {counted(one.unshared, 'item')} with a value on one side only"
            )
        if one.reservations:
            lines.append(f"{one.metric}: compared though settings differ: {one.reservations}")
    lines += [f"{metric}: not compared: {why}" for metric, why in found.not_compared.items()]
    return lines
