"""Refusals are recognised where answers open, and by their kind."""

import pytest

from openbezoar.refusing import refusal


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("I cannot help with that.", "refusal"),
        ("I\u2019m not able to answer this.", "refusal"),
        ("Sorry, but no.", "apology"),
        ("As an AI language model, I have no taste.", "machine talk"),
        ("I am sorry to hear that. Rest a little.", ""),
        ("Blue is a colour.", ""),
        ("", ""),
        ("word " * 40 + "I cannot help with that.", ""),
    ],
)
def test_an_answer_is_told_by_its_opening(answer: str, kind: str) -> None:
    assert refusal(answer) == kind
