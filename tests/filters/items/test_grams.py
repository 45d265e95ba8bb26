"""N-grams are told apart by their words and the order of these, and stay within their text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.items.grams import Owned, ngrams, owned

words = st.lists(st.sampled_from("abc"), max_size=9)
lengths = st.integers(2, 5)


@given(words, words, lengths)
def test_two_ngrams_are_one_number_when_their_words_are_the_same(
    one: list[str], other: list[str], length: int
) -> None:
    text = one + other
    written = [tuple(text[at : at + length]) for at in range(len(text) - length + 1)]
    numbers = ngrams(text, length).tolist()
    assert len(numbers) == len(written)
    assert len(set(numbers)) == len(set(written))


@given(st.lists(words, max_size=5), lengths)
def test_many_texts_have_the_ngrams_that_each_has_alone(
    texts: list[list[str]], length: int
) -> None:
    found = owned(texts, length)
    for place, text in enumerate(texts):
        assert np.array_equal(found.grams[found.owners == place], ngrams(text, length))


def test_what_an_owner_holds_twice_is_distinct_once() -> None:
    held = Owned(np.array([7, 5, 7, 7], np.uint64), np.array([1, 0, 0, 1], np.intp)).distinct()
    assert [*zip(held.grams.tolist(), held.owners.tolist(), strict=True)] == [
        (5, 0),
        (7, 0),
        (7, 1),
    ]
