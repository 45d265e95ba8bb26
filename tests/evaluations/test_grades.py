"""Means of ratings (traps P34, P35 and P39)."""

import pytest

from openbezoar.evaluations.grades import Graded, Grading
from openbezoar.records import Score


def rows(*ratings: float | None) -> list[Graded]:
    """Two turns a question, alternately of math and of writing; None is unread."""
    return [
        Graded(
            str(place // 2), ["math", "writing"][place // 2 % 2], place % 2 + 1, rating,
            "" if rating else "no rating", 10,
        )
        for place, rating in enumerate(ratings)
    ]  # fmt: skip


def scores(*ratings: float | None, missing_share: float = 0.5) -> dict[str, Score]:
    made = Grading(missing_share, "by a judge", {"judge": "j"}).scores(rows(*ratings))
    return {score.name: score for score in made}


def test_a_missing_rating_is_in_no_mean() -> None:
    """9, 9 and one unread: the mean is 9, with n = 2; it might be 6.33 or 9.33."""
    whole = scores(9, 9, None)["mt_bench"]
    assert (whole.value, whole.n, whole.missing) == (9, 2, 1)
    assert "1 of 3 ratings missing, the mean of all lies in 6.33 to 9.33" in whole.note
    assert "missing in writing turn 1 (1), for no rating (1)" in whole.note


def test_past_the_set_share_there_is_no_value() -> None:
    assert scores(9, None, missing_share=0.5)["mt_bench"].value == 9
    invalid = scores(9, None, missing_share=0.4)["mt_bench"]
    assert (invalid.value, invalid.n, invalid.missing) == (None, 1, 1)
    assert invalid.note.startswith("invalid: ")
    assert scores(None, None, missing_share=1)["mt_bench"].value is None


def test_each_part_stands_beside_the_whole_with_its_interval() -> None:
    found = scores(8, 4, 6, 2)
    assert {name: score.value for name, score in found.items()} == {
        "mt_bench": 5, "mt_bench.turn_1": 7, "mt_bench.turn_2": 3, "mt_bench.math": 6,
        "mt_bench.writing": 4, "mt_bench.length": None,
    }  # fmt: skip
    assert all(score.settings == {"judge": "j"} for score in found.values())
    whole = found["mt_bench"]
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low < 5 < whole.high


def test_a_part_may_be_invalid_while_the_whole_is_not() -> None:
    found = scores(8, 8, 8, None, 8, 8, missing_share=0.2)
    assert (found["mt_bench"].value, found["mt_bench.turn_2"].value) == (8, None)


def test_agreement_counts_what_both_judges_rated() -> None:
    grading = Grading(0.5, "by a judge", {"judge": "j"})
    near, ranks = grading.agreement(rows(8, 6, None, 2), rows(7, 1, 5, None), "other")
    assert (near.value, near.n, near.missing) == (0.5, 2, 2)
    assert ranks.value == pytest.approx(1)
    assert "other" in near.note
    assert near.settings == ranks.settings == {"judge": "j"}


@pytest.mark.parametrize("ratings", [(10, 10, 10, 10), (10, 10, 10, 1), (1, 1, 1, 2), (9, 10) * 3])
def test_no_interval_of_a_mean_rating_leaves_the_scale(ratings: tuple[float, ...]) -> None:
    for score in scores(*ratings).values():
        if score.value is not None and score.low is not None and score.high is not None:
            assert 1 <= score.low <= score.value <= score.high <= 10 or "length" in score.name
    assert scores(*ratings)["mt_bench"].low is not None


def cut(*tokens: int | None) -> list[Graded]:
    """Questions of one turn, each of a category of its own, cut at these places or not."""
    return [
        Graded(str(place), f"c{place}", 1, 5, length=10, cut_at=at)
        for place, at in enumerate(tokens)
    ]


def test_a_score_tells_of_the_cut_answers_that_it_rests_on_itself() -> None:
    made = Grading(0.5, "by a judge", {}).scores(cut(16, None, 16))
    assert {score.name: score.note for score in made if "length" not in score.name} == {
        "mt_bench": "by a judge; 2 answers cut at 16 tokens",
        "mt_bench.turn_1": "by a judge; 2 answers cut at 16 tokens",
        "mt_bench.c0": "by a judge; 1 answer cut at 16 tokens",
        "mt_bench.c1": "by a judge",
        "mt_bench.c2": "by a judge; 1 answer cut at 16 tokens",
    }


@pytest.mark.parametrize(
    ("lengths", "ratings", "why"),
    [
        ((7,), (3,), "fewer than 2 ratings; "),
        ((7, 7), (3, 4), "lengths all alike; "),
        ((7, 8), (3, 3), "ratings all alike; "),
        ((7, 7), (3, 3), "lengths and ratings all alike; "),
        ((7, 8), (3, 4), ""),
    ],
)
def test_a_rank_correlation_that_there_is_none_of_says_why(
    lengths: tuple[int, ...], ratings: tuple[int, ...], why: str
) -> None:
    given = [
        Graded("1", "math", 1, rating, length=length)
        for length, rating in zip(lengths, ratings, strict=True)
    ]
    score = Grading(0.5, "", {}).scores(given)[-1]
    assert (score.value is None) == bool(why)
    assert score.note.startswith(f"{why}rank correlation of an answer's length")
    ranks = Grading(0.5, "", {}).agreement(given, given, "other")[-1]
    assert (ranks.value is None) == (len({*ratings}) < 2)
    assert ranks.note.startswith("rank") == (ranks.value is not None)
