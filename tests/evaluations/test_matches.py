"""Win rates from games in both orders (trap P40)."""

from typing import Literal

import pytest

from openbezoar.evaluations.matches import Match, Matching
from openbezoar.records import Score

Outcome = Literal["win", "loss", "tie"]


def match(
    first: Outcome | None,
    second: Outcome | None,
    question: str = "1",
    lengths: tuple[int, int] = (5, 5),
    asked: bool = True,
) -> Match:
    return Match(question, "math", 1, first, second, "", *lengths, asked)


def scores(*matches: Match, missing_share: float = 0.5) -> dict[str, Score]:
    made = Matching("pairs.z", missing_share, "by a judge", {}).scores(matches)
    return {score.name.removeprefix("pairs.z").strip("."): score for score in made}


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("win", "win", "win"),
        ("loss", "loss", "loss"),
        ("tie", "tie", "tie"),
        ("win", "loss", "tie"),
        ("win", "tie", "tie"),
        ("tie", "loss", "tie"),
        (None, "win", None),
        ("win", None, None),
    ],
)
def test_a_match_is_won_in_both_orders_or_not_at_all(
    first: Outcome | None, second: Outcome | None, outcome: Outcome | None
) -> None:
    assert match(first, second).outcome == outcome


def test_a_judge_who_always_says_a_gives_one_half_and_flips_always() -> None:
    found = scores(*(match("win", "loss", str(n)) for n in range(20)))
    assert (found[""].value, found["flips"].value, found["first_seat"].value) == (0.5, 1, 1)
    assert found["longer_wins"].value is None


def test_ties_count_half_and_missing_matches_not_at_all() -> None:
    """One won, one tied, one lost, one unread: 1.5 of 3, between 1.5 and 2.5 of 4."""
    found = scores(
        match("win", "win", "1"), match("tie", "tie", "2"), match("loss", "loss", "3"),
        match("win", None, "4"),
    )[""]  # fmt: skip
    assert (found.value, found.n, found.missing) == (0.5, 3, 1)
    assert "1 won, 1 tied, 1 lost" in found.note
    assert "the rate of all lies in 0.38 to 0.62" in found.note


def test_with_too_many_missing_there_is_no_rate() -> None:
    found = scores(match("win", "win"), match(None, None), match(None, "win"))[""]
    assert (found.value, found.n, found.missing) == (None, 1, 2)
    assert found.note.startswith("invalid: ")


def test_the_longer_answer_s_wins_are_counted_where_one_is_longer() -> None:
    found = scores(
        match("win", "win", lengths=(9, 5)), match("loss", "loss", lengths=(9, 5)),
        match("loss", "loss", lengths=(5, 9)), match("win", "win", lengths=(5, 5)),
    )["longer_wins"]  # fmt: skip
    assert found.value == pytest.approx(2 / 3)
    assert found.n == 3


def test_answers_alike_tie_and_say_nothing_of_the_judge() -> None:
    found = scores(match("win", "win"), match("tie", "tie", "2", asked=False))
    assert (found[""].value, found["flips"].n, found["first_seat"].n) == (0.75, 1, 2)
    assert "1 pair of answers alike to the letter, tied unasked" in found[""].note


def test_agreement_of_two_judges_is_beyond_chance() -> None:
    """Both decide win, win, loss, loss alike: kappa 1; a judge who always says win: 0."""
    ours = [match(way, way) for way in ("win", "win", "loss", "loss")]
    blind = [match("win", "win")] * 4
    made = Matching("pairs.z", 0.5, "by a judge", {})
    assert made.agreement(ours, ours, "other").value == 1
    assert made.agreement(ours, blind, "other").value == 0
    assert made.agreement(ours, [match(None, None)] * 4, "other").missing == 4
