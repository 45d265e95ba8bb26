"""Numbers a reader can check with a pencil."""

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as some

from openbezoar import statistics

scores = some.lists(some.integers(0, 5).map(float), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_the_wilson_interval_matches_the_textbook(
    successes: int, n: int, low: float, high: float
) -> None:
    assert statistics.wilson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_more_successes_than_tries_are_refused() -> None:
    with pytest.raises(ValueError, match="3 successes among 2"):
        statistics.wilson(3, 2)


def test_a_mean_has_the_error_of_its_spread() -> None:
    """1, 3: spread sqrt(2), error sqrt(2) / sqrt(2) = 1."""
    estimate = statistics.mean([1, 3])
    assert estimate == pytest.approx((2, 2, 1, 2 - 1.95996, 2 + 1.95996), abs=1e-4)


def test_the_mean_of_nothing_is_absent_and_of_one_value_has_no_error() -> None:
    assert statistics.mean([]) == (None, 0, None, None, None)
    assert statistics.mean([4.0]) == (4.0, 1, None, None, None)


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        ([2, 3], [0, 1], 1.0),
        ([0, 1], [2, 3], 0.0),
        ([1, 1], [1, 1, 1], 0.5),
        ([1, 2], [1, 0], 0.875),
        ([], [1], None),
        ([1], [], None),
    ],
)
def test_ties_count_half_in_the_area(
    positives: list[float], negatives: list[float], expected: float | None
) -> None:
    assert statistics.auc(positives, negatives) == expected


@given(scores, scores)
def test_the_area_is_the_share_of_pairs_in_the_right_order(
    positives: list[float], negatives: list[float]
) -> None:
    pairs = [(a > b) + (a == b) / 2 for a in positives for b in negatives]
    assert statistics.auc(positives, negatives) == pytest.approx(fmean(pairs))


def test_a_bootstrap_interval_holds_the_mean_and_repeats_with_its_stream() -> None:
    values = [float(value) for value in range(50)]
    first = statistics.bootstrap(values, fmean, random.Random(1))
    assert first is not None
    assert first.low < 24.5 < first.high
    assert first == statistics.bootstrap(values, fmean, random.Random(1))


def test_there_is_no_bootstrap_of_nothing() -> None:
    assert statistics.bootstrap([], fmean, random.Random(1)) is None
