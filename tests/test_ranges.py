"""Ranges stay in order whatever is done with them, and what is unknown stays so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from openbezoar.ranges import NOTHING, Range, exactly, total

FIGURES = st.floats(min_value=0, max_value=1e12)
RANGES = st.lists(FIGURES, min_size=3, max_size=3).map(
    lambda found: Range(low=min(found), likely=sorted(found)[1], high=max(found))
)


@given(RANGES, RANGES)
def test_a_sum_holds_every_sum_of_what_its_parts_hold(one: Range, other: Range) -> None:
    both = one + other
    assert both == other + one
    for name in ("low", "likely", "high"):
        assert both.holds(getattr(one, name) + getattr(other, name))


@given(RANGES, RANGES, FIGURES)
def test_a_product_holds_every_product(one: Range, other: Range, factor: float) -> None:
    assert (one * other).holds(one.likely * other.likely)
    assert (one * factor).likely == one.likely * factor
    assert one * 1 == one


@given(RANGES, FIGURES)
def test_bounds_move_figures_and_never_their_order(one: Range, bound: float) -> None:
    assert one.at_most(bound).high <= bound
    assert one.at_least(bound).low >= bound
    assert one.at_most(one.high) == one == one.at_least(one.low)


@given(st.lists(RANGES, max_size=5))
def test_a_total_with_something_unknown_is_unknown(found: list[Range]) -> None:
    known = total(found)
    assert known is not None
    assert known.likely == pytest.approx(sum(one.likely for one in found))
    assert total([*found, None]) is None


def test_nothing_adds_up_to_nothing() -> None:
    assert total([]) == NOTHING == exactly(0)


@pytest.mark.parametrize(
    "bounds",
    [(-1, 0, 1), (2, 1, 3), (0, 3, 2), (float("nan"), 0, 1), (0, 1, float("inf"))],
)
def test_what_is_no_range_is_refused(bounds: tuple[Any, Any, Any]) -> None:
    low, likely, high = bounds
    with pytest.raises(ValidationError):
        Range(low=low, likely=likely, high=high)
