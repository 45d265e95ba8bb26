"""Means over clustered rows, and intervals that stay on their scale."""

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.evaluations.pooled import never_negative, on_scale, pooled
from openbezoar.statistics import Estimate, mean, student, wilson


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


def test_a_share_of_the_scale_has_wilson_s_interval() -> None:
    """Rows of 0 and 1 have the error of a share, but for n - 1 in place of n, and Student's."""
    rows = [1.0] * 30 + [0.0] * 70
    found = on_scale(pooled(rows, [1] * 100), 0, 1)
    n = 99 * (1.959964 / student(100)) ** 2
    assert (found.low, found.high) == pytest.approx(wilson(0.3 * n, n))


def test_an_interval_on_a_scale_of_ratings_is_that_of_the_share_stretched() -> None:
    ones = pooled([0.0, 1.0, 1.0, 1.0], [1] * 4)
    ratings = pooled([1.0, 10.0, 10.0, 10.0], [1] * 4)
    share, rating = on_scale(ones, 0, 1), on_scale(ratings, 1, 10)
    assert (share.low, share.high) == pytest.approx(
        [(end - 1) / 9 for end in (rating.low, rating.high) if end]
    )


@given(st.lists(st.floats(1, 10), min_size=2, max_size=20))
def test_no_interval_leaves_the_scale_or_its_mean(values: list[float]) -> None:
    found = on_scale(pooled(values, [1] * len(values)), 1, 10)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 1 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 10


def test_rows_that_all_agree_may_still_hide_a_few_that_do_not() -> None:
    """None of 16 was seen below the top, and 0 in 16 has Wilson's bound 0.194: 10 - 0.194 * 9."""
    unseen = wilson(0, 16).high
    top = on_scale(pooled([20.0] * 16, [2] * 16), 1, 10)
    assert (top.low, top.high) == pytest.approx((10 - unseen * 9, 10))
    middle = on_scale(pooled([5.0] * 16, [1] * 16), 1, 10)
    assert (middle.low, middle.high) == pytest.approx((5 - unseen * 4, 5 + unseen * 5))


# A question's two turns are rated alike or one apart, by a model that is middling, good, very good.
MODELS = {"middling": range(2, 10), "good": (4, 7, 8, 8, 9, 9, 9), "very good": (5, 9, 9, 10, 10)}


@pytest.mark.parametrize(("n", "least"), [(16, 0.91), (80, 0.935)])
@pytest.mark.parametrize("model", MODELS)
def test_the_interval_of_a_mean_rating_holds_the_truth_about_as_often_as_it_says(
    model: str, n: int, least: float
) -> None:
    """Least often where few ratings are low, as most runs of 16 questions then miss them."""
    stream, kinds = random.Random(3), list(MODELS[model])
    truth, held = fmean(kinds) - 0.25, 0
    for _ in range(600):
        totals = [2.0 * first - stream.randint(0, 1) for first in stream.choices(kinds, k=n)]
        _, _, _, low, high = on_scale(pooled(totals, [2] * n), 1, 10)
        assert low is not None
        assert high is not None
        held += low <= truth <= high
    assert least <= held / 600 <= 0.985


def test_a_mean_of_what_cannot_be_negative_has_an_interval_above_zero() -> None:
    """Eight rows: Student's 2.37 errors up, and down by as much of the logarithm as of the mean."""
    found = never_negative(pooled([1.0, 9.0] * 4, [1] * 8))
    assert found.value == 5
    assert found.standard_error is not None
    half = student(8) * found.standard_error
    assert (found.low, found.high) == pytest.approx((5 * math.exp(-half / 5), 5 + half))


def test_two_rows_far_apart_give_a_wide_interval_and_no_overflow() -> None:
    found = never_negative(pooled([0.1, 9.0], [1, 1]))
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 1
    assert found.high < 200


@pytest.mark.parametrize("mean", [pooled([], []), pooled([3.0], [1])])
def test_a_mean_without_an_error_is_given_no_interval(mean: Estimate) -> None:
    assert on_scale(mean, 1, 10) == mean
    assert never_negative(mean) == mean
