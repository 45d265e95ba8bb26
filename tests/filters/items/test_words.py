"""Words come out in one form, however a text is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.items.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Who won, and WHEN?", ["who", "won", "and", "when"]),
        ("It's Janet\u2019s `duck`", ["its", "janets", "duck"]),
        ("half-open\t_gate_\x00here", ["half", "open", "gate", "here"]),
        ("\uff37\uff49\uff44\uff45 \ufb01ne Stra\u00dfe", ["wide", "fine", "strasse"]),
        ("con\u00adta\u200bmi\ufeffnated", ["contaminated"]),
        ("lone \ud800 surrogate", ["lone", "surrogate"]),
        ("\u2014 \u2026 ?!", []),
        ("", []),
    ],
)
def test_case_punctuation_and_encoding_make_no_difference(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_gives_what_the_long_way_gives(text: str) -> None:
    assert words_of(f"{text} \u00e9") == [*words_of(text), "\u00e9"]


@given(st.text())
def test_words_of_words_are_the_words(text: str) -> None:
    words = words_of(text)
    assert all(words), "no word is empty"
    assert words_of(" ".join(words)) == words or not text.isascii()
