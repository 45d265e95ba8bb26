"""An n-gram points to the texts it stands in, unless too many share it."""

from openbezoar.filters.items.grams import owned
from openbezoar.filters.items.postings import Postings

TEXTS = [text.split() for text in ("a b c d", "x b c y b c", "b c", "q")]


def shared(most: int, *asked: str) -> dict[int, dict[int, list[int]]]:
    """By asking text, then by text found, the places of the shared pairs of words."""
    found = Postings(TEXTS, 2, most).shared(owned([text.split() for text in asked], 2))
    return {
        owner: {text: [one.place for one in ones] for text, ones in texts.items()}
        for owner, texts in found.items()
    }


def test_an_ngram_points_to_every_text_that_holds_it() -> None:
    assert shared(3, "a b", "no pair", "b c d b c") == {
        0: {0: [0]},
        2: {0: [0, 1, 3], 1: [0, 3], 2: [0, 3]},
    }


def test_an_ngram_in_too_many_texts_points_to_none() -> None:
    assert shared(2, "b c d") == {0: {0: [1]}}
    assert Postings(TEXTS, 2, 2).counts == [2, 3, 0, 0]
    assert Postings(TEXTS, 2, 3).counts == [3, 4, 1, 0]


def test_without_texts_nothing_is_shared() -> None:
    assert Postings([], 2, 3).shared(owned([["a", "b"]], 2)) == {}
    assert shared(3) == {}
