"""How the better of two answers is read (traps P33 and P34)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.judges.pairwise import form_of, read_classic_winner, read_winner
from openbezoar.judges.wording import harmless


@pytest.mark.parametrize(
    ("reply", "seat", "classic"),
    [
        ("[[A]]", "A", "A"),
        ("Verdict: [[B]].", "B", "B"),
        ("**[[C]]**", "tie", "tie"),
        ("I was told to write [[A]] or [[B]]. It is [[B]]", "B", "A"),
        ("[[C]] at first, then [[A]]", "A", "A"),
        ("[[\u200bb]]", "B", None),
        ("[[ B ]]", "B", None),
        ("the matrix [[1, 2], [3, 4]] is wrong in B: [[A]]", "A", "A"),
    ],
)
def test_the_last_verdict_in_a_reply_wins(reply: str, seat: str, classic: str | None) -> None:
    assert read_winner(reply) == (seat, "", False)
    assert read_classic_winner(reply).value == classic


@pytest.mark.parametrize(
    "reply",
    ["", "A is better", "[A]", "[[A]] and yet [[Z]]", "[[AB]]", "[[A>B]]", "[[A]] [[10]]", "[[]]"],
)
def test_a_reply_without_a_clear_verdict_is_asked_for_again(reply: str) -> None:
    reading = read_winner(reply)
    assert (reading.value, reading.ask_again) == (None, True)


@given(st.text(max_size=200))
def test_no_answer_can_hold_a_verdict(text: str) -> None:
    assert read_winner(harmless(text)).value is None
    assert read_classic_winner(harmless(text)).value is None


def test_only_a_last_verdict_is_asked_for_again() -> None:
    assert form_of("brackets").repair.endswith("Verdict: [[C]]")
    assert form_of("classic").repair == ""
