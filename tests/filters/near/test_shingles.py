"""Words and shingles are what a reader would write down by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.near.shingles import shared, shingles, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, World!", "hello world"),
        ("  one\ttwo\nthree\x00four ", "one two three four"),
        ("It's \u201cquoted\u201d \u2014 isn\u2019t it?", "it s quoted isn t it"),
        ("20 - 4 and 2+2=4", "20 - 4 and 2+2=4"),
        ("Stra\u00dfe \ufb01ne caf\u00e9", "strasse fine caf\u00e9"),
        ("猫です ok", "猫 で す ok"),
        ("snake_case", "snake_case"),
        ("hy\u00adphen and zero\u200bwidth", "hyphen and zerowidth"),
        ("", ""),
        ("\U0001f600 ?!", ""),
    ],
)
def test_words_are_in_lower_case_without_punctuation(text: str, found: str) -> None:
    assert b" ".join(words(text)).decode() == found


@given(st.text(st.characters(max_codepoint=127)))
def test_a_letter_of_another_script_changes_no_ascii_word(text: str) -> None:
    assert words(f"{text} \u00e9")[:-1] == words(text)


@given(st.text())
def test_any_text_has_words_without_spaces(text: str) -> None:
    assert all(word and not word.isspace() for word in words(text))


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=12), st.integers(1, 4))
def test_shingles_are_the_different_runs_of_words(found: list[bytes], size: int) -> None:
    width = min(size, len(found))
    runs = {tuple(found[at : at + width]) for at in range(len(found) - width + 1) if width}
    held = shingles(found, size)
    assert held.size == len(runs)
    assert np.array_equal(held, np.unique(held))


def test_the_order_of_words_makes_another_shingle() -> None:
    assert shingles([b"a", b"b"], 2) != shingles([b"b", b"a"], 2)


def test_similarity_is_what_is_shared_of_all() -> None:
    """a-b, b-c, c-d against b-c, c-d, d-e: two of four."""
    one, other = shingles([b"a", b"b", b"c", b"d"], 2), shingles([b"b", b"c", b"d", b"e"], 2)
    assert shared(one, other) == 0.5
    assert shared(one, one) == 1.0
