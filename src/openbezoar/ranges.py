"""Figures that are not known exactly: a low, a likely and a high one."""

from collections.abc import Iterable, Sequence
from typing import Self

from pydantic import FiniteFloat, model_validator

from openbezoar.records import Record

__all__ = ["NOTHING", "ONE", "Range", "exactly", "most", "total"]


class Range(Record):
    """A figure between two bounds, none of them negative."""

    low: FiniteFloat
    likely: FiniteFloat
    high: FiniteFloat

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= self.low <= self.likely <= self.high:
            raise ValueError(f"{self.low}, {self.likely}, {self.high}: not 0 ≤ low ≤ likely ≤ high")
        return self

    def __add__(self, other: "Range") -> "Range":
        """The sum: bound to bound, as if both erred in the same direction."""
        return Range(
            low=self.low + other.low,
            likely=self.likely + other.likely,
            high=self.high + other.high,
        )

    def __mul__(self, other: "Range | float") -> "Range":
        """The product: bound by bound."""
        by = other if isinstance(other, Range) else exactly(other)
        return Range(
            low=self.low * by.low, likely=self.likely * by.likely, high=self.high * by.high
        )

    def at_most(self, bound: float) -> "Range":
        """The same, nowhere above the bound."""
        return Range(
            low=min(self.low, bound), likely=min(self.likely, bound), high=min(self.high, bound)
        )

    def at_least(self, bound: float) -> "Range":
        """The same, nowhere below the bound."""
        return Range(
            low=max(self.low, bound), likely=max(self.likely, bound), high=max(self.high, bound)
        )

    def holds(self, value: float) -> bool:
        """Whether a value lies between the bounds."""
        return self.low <= value <= self.high


def exactly(value: float) -> Range:
    """A figure that is known."""
    return Range(low=value, likely=value, high=value)


NOTHING, ONE = exactly(0), exactly(1)


def total(figures: Iterable[Range | None]) -> Range | None:
    """The sum; unknown when one of them is."""
    found = NOTHING
    for figure in figures:
        if figure is None:
            return None
        found = found + figure
    return found


def most(figures: Sequence[Range | None]) -> Range | None:
    """The largest, bound by bound; unknown when one of them is, or where there are none."""
    known = [figure for figure in figures if figure is not None]
    if len(known) < len(figures) or not known:
        return None
    return Range(
        low=max(one.low for one in known),
        likely=max(one.likely for one in known),
        high=max(one.high for one in known),
    )
