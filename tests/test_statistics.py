"""Numbers a reader can check with a pencil."""

import math
import random
from collections.abc import Callable
from statistics import fmean

import pytest
from hypothesis import given, settings
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
    half = statistics.student(2)
    assert estimate == pytest.approx((2, 2, 1, 2 - half, 2 + half))


@pytest.mark.parametrize(
    ("n", "quantile"), [(4, 3.1824), (8, 2.3646), (16, 2.1314), (31, 2.0423), (1001, 1.9623)]
)
def test_few_values_are_as_unsure_as_student_says(n: int, quantile: float) -> None:
    assert quantile <= statistics.student(n) <= 1.012 * quantile


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


@pytest.mark.parametrize("area", [0.5, 0.9, 1.0])
def test_an_area_has_an_interval_even_where_it_is_perfect(area: float) -> None:
    """The bound is where the area seen lies 1.96 standard errors away, as they are there."""
    low, high = statistics.auc_interval(area, 12, 12)
    pairs = 1 + 11 * ((1 - low) / (2 - low) + low / (1 + low))
    error = math.sqrt(low * (1 - low) * pairs / 144)
    assert area - low == pytest.approx(1.959964 * error, abs=1e-6)
    assert low < area <= high
    assert statistics.auc_interval(1 - area, 12, 12) == pytest.approx((1 - high, 1 - low))


def test_more_answers_narrow_the_interval_of_an_area_and_none_leave_it_open() -> None:
    few, many = (statistics.auc_interval(0.9, n, n) for n in (10, 1000))
    assert few.low < many.low < 0.9 < many.high < few.high
    assert statistics.auc_interval(0.9, 0, 5) == (0.0, 1.0)


def test_a_bootstrap_interval_holds_the_mean_and_repeats_with_its_stream() -> None:
    values = [float(value) for value in range(50)]
    first = statistics.bootstrap(values, fmean, random.Random(1))
    assert first is not None
    assert first.low < 24.5 < first.high
    assert first == statistics.bootstrap(values, fmean, random.Random(1))


def test_there_is_no_bootstrap_of_nothing() -> None:
    assert statistics.bootstrap([], fmean, random.Random(1)) is None


def test_a_share_is_known_with_its_wilson_interval() -> None:
    assert statistics.share(5, 10) == pytest.approx((0.5, 10, 0.1581, 0.2366, 0.7634), abs=1e-4)
    assert statistics.share(0, 0) == (None, 0, None, None, None)


def test_kappa_is_agreement_beyond_chance() -> None:
    """Of 10, 8 agreed; by chance 0.5 would: (0.8 - 0.5) / (1 - 0.5) = 0.6."""
    pairs = [("a", "a")] * 4 + [("b", "b")] * 4 + [("a", "b"), ("b", "a")]
    found = statistics.kappa(pairs)
    low, high = statistics.wilson(8, 10)
    assert found[:2] == pytest.approx((0.6, 10))
    assert found[3:] == pytest.approx(((low - 0.5) / 0.5, (high - 0.5) / 0.5))


@pytest.mark.parametrize("pairs", [[], [("a", "a")], [("a", "a")] * 9])
def test_kappa_is_unknown_where_chance_explains_everything(pairs: list[tuple[str, str]]) -> None:
    assert statistics.kappa(pairs) == (None, len(pairs), None, None, None)


categories = some.sampled_from(["0", "1", "2"])


@settings(max_examples=50)
@given(some.lists(some.tuples(categories, categories), min_size=2))
def test_kappa_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    value, _, _, low, high = statistics.kappa(pairs)
    if value is None:
        assert len({category for pair in pairs for category in pair}) == 1
        return
    assert value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert low is not None
    assert high is not None
    assert -1 <= low <= value <= high <= 1 + 1e-9


@pytest.mark.parametrize(
    "shares", [(0.45, 0.05, 0.1, 0.4), (0.88, 0.01, 0.01, 0.1), (0.9, 0.03, 0.05, 0.02)]
)
def test_the_interval_of_kappa_holds_the_truth_as_often_as_it_says(
    shares: tuple[float, float, float, float],
) -> None:
    """Two raters who seldom differ, or seldom reject, are where other intervals fall to 50 %."""
    stream = random.Random(7)
    cells = [(first, second) for first in "ar" for second in "ar"]
    truth = statistics.kappa(
        [c for c, s in zip(cells, shares, strict=True) for _ in range(round(s * 100))]
    )
    held = 0
    for _ in range(400):
        found = statistics.kappa(stream.choices(cells, shares, k=40))
        held += found.low is None or (found.low <= truth.value <= found.high)  # type: ignore[operator]
    assert held / 400 > 0.92


def test_a_paired_difference_is_the_mean_over_weights() -> None:
    """One row of two turns gains 3 in all, one of one turn loses 1: 2 / 3."""
    rows = [statistics.Paired(3, 2), statistics.Paired(-1, 1)]
    found = statistics.paired_difference(rows, random.Random(0))
    assert found is not None
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 2
    assert found.low == -1
    assert found.high == 1.5
    assert found.covers_zero


def test_rows_that_all_lean_one_way_show_it_once_they_are_many() -> None:
    """A sign test on five rows cannot go below 2 / 32, on twenty it can."""
    few, many = (
        statistics.paired_difference([statistics.Paired(1)] * n, random.Random(0)) for n in (5, 20)
    )
    assert few is not None
    assert many is not None
    assert few.p == 1 / 16
    assert many.p == 2 / 2**20
    assert not few.covers_zero


def test_no_row_or_no_weight_is_no_difference() -> None:
    assert statistics.paired_difference([], random.Random(0)) is None
    assert statistics.paired_difference([statistics.Paired(1, 0)], random.Random(0)) is None


def ratings(stream: random.Random) -> statistics.Paired:
    """A question of two turns, rated from 1 to 10 for two models that are alike."""
    hard = stream.gauss(6, 2)
    a, b = ([min(10, max(1, round(stream.gauss(hard, 2)))) for _ in "12"] for _ in "ab")
    return statistics.Paired(sum(b) - sum(a), 2)


def choices(stream: random.Random) -> statistics.Paired:
    """A question that either of two models alone gets right in one case of ten."""
    return statistics.Paired(stream.choices((1, -1, 0), (1, 1, 8))[0])


def losses(stream: random.Random) -> statistics.Paired:
    """A row of 5 to 300 tokens and the difference of two losses on it."""
    tokens = stream.randint(5, 300)
    return statistics.Paired(tokens * stream.gauss(0, 0.3), tokens)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "n", "studies"),
    [(ratings, 8, 400), (ratings, 16, 400), (choices, 80, 150), (losses, 16, 400)],
)
def test_models_that_are_alike_are_shown_to_differ_once_in_twenty(
    row: Callable[[random.Random], statistics.Paired], n: int, studies: int
) -> None:
    """The interval leaves out the truth, no difference, as often as it says; so does p."""
    stream = random.Random(1)
    found = [
        statistics.paired_difference([row(stream) for _ in range(n)], stream, rounds=200)
        for _ in range(studies)
    ]
    held = fmean(one is not None and one.covers_zero for one in found)
    shown = fmean(one is not None and one.p <= 0.05 for one in found)
    assert 0.92 <= held <= 0.99
    assert shown <= 0.075


@pytest.mark.slow
def test_of_several_comparisons_of_models_alike_one_in_twenty_sets_shows_any() -> None:
    stream = random.Random(2)
    shown = 0
    for _ in range(150):
        values = []
        for _ in range(6):
            rows = [ratings(stream) for _ in range(12)]
            found = statistics.paired_difference(rows, stream, rounds=200)
            values.append(found.p if found else 1.0)
        shown += min(statistics.holm(values)) <= 0.05
    assert shown / 150 <= 0.09


@given(some.lists(some.floats(0, 1), max_size=12))
def test_a_correction_raises_every_p_and_keeps_their_order(values: list[float]) -> None:
    corrected = statistics.holm(values)
    assert all(p <= c <= 1 for p, c in zip(values, corrected, strict=True))
    ranked = sorted(range(len(values)), key=lambda place: (values[place], corrected[place]))
    assert [corrected[place] for place in ranked] == sorted(corrected)


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        ([(1, 1), (2, 4), (3, 9), (4, 16)], 1),
        ([(1, 9), (2, 4), (3, 1)], -1),
        ([(1, 2), (2, 1), (3, 4), (4, 3)], 0.6),
        ([(1, 1), (1, 1), (2, 2), (2, 2)], 1),
        ([(1, 1), (1, 2)], None),
        ([(1, 1)], None),
        ([], None),
    ],
)
def test_a_rank_correlation_looks_at_order_alone(
    pairs: list[tuple[float, float]], value: float | None
) -> None:
    found = statistics.rank_correlation(pairs)
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.n == len(pairs)


def test_a_rank_correlation_has_an_interval_around_it() -> None:
    pairs = [(n, n + (-1) ** n * 5) for n in range(30)]
    found = statistics.rank_correlation([(float(one), float(other)) for one, other in pairs])
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 < found.low < found.value < found.high < 1
