"""A sample shows the judge's ratings as they occur, and is the same every time."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from openbezoar.calibration import pool
from openbezoar.calibration.study import Study
from openbezoar.families import random_for
from tests.calibration.conftest import run

Open = Callable[..., Study]


def draw(id_: str) -> float:
    return random_for(1, id_).random()


def test_rows_that_the_judge_saw_are_there_kept_or_rejected(study: Open) -> None:
    rated = pool.ratings(study().artifact)
    assert rated == {f"r{n}": float(n % 10) or None for n in range(60)} | {"refusal": 9.0}


def test_a_filter_on_both_sides_of_the_judge_tells_nothing(made: Path, study: Open) -> None:
    short = "stages.kept.filters.2={kind: length, answer: {most_words: 7}}"
    run(made / "recipe.yaml", short)
    rated = pool.ratings(study("kept", short).artifact)
    assert set(rated) == {f"r{n}" for n in range(60)}


def test_rows_are_found_by_their_ids(study: Open) -> None:
    found = pool.rows(study().artifact, {"r1", "refusal", "short", "nobody"})
    assert sorted(found) == ["r1", "refusal"]
    assert found["r1"].answer == "An answer of quality 1."


RATED = {f"n{n}": 9.0 for n in range(80)} | {f"e{n}": 3.0 for n in range(15)} | {
    f"u{n}": None for n in range(5)
}  # fmt: skip


def test_ratings_occur_in_the_sample_as_they_do_among_all() -> None:
    chosen = pool.sample(RATED, 20, frozenset(), draw)
    assert Counter(RATED[id_] for id_ in chosen) == {9.0: 16, 3.0: 3, None: 1}


def test_the_order_of_the_sample_tells_nothing_of_the_ratings() -> None:
    rated = {f"r{n:03}": float(n) for n in range(100)}
    order = [rated[id_] for id_ in pool.sample(rated, 100, frozenset(), draw)]
    rising = sum(one < other for one, other in pairwise(order))
    assert 30 < rising < 70


def test_rows_labelled_before_are_in_the_sample_again() -> None:
    first = pool.sample(RATED, 20, frozenset(), draw)
    assert pool.sample(RATED, 20, first[:7], draw) == first
    more = pool.sample(RATED, 40, first, draw)
    assert len(set(first) & set(more)) == 20


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.none() | st.integers(1, 9).map(float)),
    st.integers(1, 30),
)
def test_a_sample_has_no_row_twice_and_as_many_as_there_are(
    rated: dict[str, float | None], n: int
) -> None:
    chosen = pool.sample(rated, n, frozenset(), draw)
    assert len(chosen) == len(set(chosen)) == min(n, len(rated))
    backwards = dict(reversed(rated.items()))
    assert pool.sample(backwards, n, frozenset(), draw) == chosen
