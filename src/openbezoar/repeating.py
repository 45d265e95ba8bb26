"""How far a text repeats itself."""

from collections.abc import Sequence

__all__ = ["SPAN", "repeated"]

SPAN = 4
"""Words of a span that may be repeated."""


def repeated(units: Sequence[str]) -> float | None:
    """The share of spans that stood in the text before; None of a text too short for a span.

    >>> repeated("so it is and so it is and so it is".split())
    0.5
    """
    spans = len(units) - SPAN + 1
    if spans < 1:
        return None
    different = set(zip(*(units[start:] for start in range(SPAN)), strict=False))
    return 1 - len(different) / spans
