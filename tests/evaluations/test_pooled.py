"""Means over clustered rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.evaluations.pooled import pooled
from openbezoar.statistics import mean


def test_rows_count_by_what_they_hold() -> None:
    """(6 + 2) / (2 + 2) = 2 with residues 6 - 4 = 2 and 2 - 4 = -2: sqrt(8 * 2 / 1) / 4 = 1."""
    found = pooled([6.0, 2.0], [2, 2])
    assert (found.value, found.n) == (2.0, 2)
    assert found.standard_error == pytest.approx(1.0)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20))
def test_rows_of_one_each_give_the_plain_mean_and_its_error(values: list[float]) -> None:
    found, plain = pooled(values, [1] * len(values)), mean(values)
    assert found.value == pytest.approx(plain.value, abs=1e-9)
    assert found.standard_error == pytest.approx(plain.standard_error, abs=1e-9)


def test_rows_that_hold_nothing_are_left_out() -> None:
    assert pooled([3.0, 0.0], [3, 0]) == pooled([3.0], [3])


def test_without_rows_there_is_no_mean() -> None:
    assert pooled([], []).value is None


def test_one_row_has_a_mean_without_an_error() -> None:
    found = pooled([3.0], [2])
    assert (found.value, found.standard_error) == (1.5, None)
