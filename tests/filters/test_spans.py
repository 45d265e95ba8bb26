"""Spans that stand elsewhere are found word for word, and repeated ones are counted exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.spans import FEWEST, TAIL, Phrases, repeated_share
from openbezoar.repeating import SPAN

PROMPT = "Write only the new prompt and nothing else at all"


def find(phrases: Phrases, text: str) -> str | None:
    words = text.split()
    return phrases.found_in(words, set(words))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sure: Write only\nthe  new prompt here", "Write only the new prompt"),
        ("prompt and nothing else at", "prompt and nothing else at"),
        ("Write only the new rule", None),
        ("write only the new prompt", None),
        ("prompt new the only Write", None),
        ("Write only the very new prompt and", None),
        ("", None),
    ],
)
def test_a_span_of_enough_words_in_their_order_is_found(text: str, found: str | None) -> None:
    assert find(Phrases([PROMPT], 5), text) == found


def test_a_text_shorter_than_a_span_is_found_nowhere() -> None:
    assert find(Phrases(["Be kind.", ""], 5), "Be kind. Be kind. Be kind.") is None


def test_half_a_word_is_no_word() -> None:
    assert find(Phrases(["a b c d"], 4), "aa b c dd") is None


words = st.lists(st.sampled_from("abcde"), max_size=12)


@given(words, words, st.integers(2, 5))
def test_what_is_found_is_what_a_slow_search_finds(
    prompt: list[str], text: list[str], length: int
) -> None:
    spans = {tuple(prompt[i : i + length]) for i in range(len(prompt) - length + 1)}
    there = [tuple(text[i : i + length]) for i in range(len(text))]
    slow = next((" ".join(span) for span in there if span in spans), None)
    assert find(Phrases([" ".join(prompt)], length), " ".join(text)) == slow


def slow_share(units: list[str]) -> float:
    """Counted one by one: 1 - different / all, nothing for a short text."""
    spans = [tuple(units[i : i + SPAN]) for i in range(len(units) - SPAN + 1)]
    return 1 - len(set(spans)) / len(spans) if len(units) >= FEWEST else 0.0


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=150), st.floats(0.05, 0.95))
def test_no_share_above_the_limit_is_missed_and_none_below_it_told(
    units: list[str], limit: float
) -> None:
    share = max(slow_share(units), slow_share(units[-TAIL:]))
    expected = share if share > limit else None
    assert repeated_share(units, len(set(units)), limit) == expected


def test_a_loop_at_the_end_of_a_sound_text_is_seen() -> None:
    """57 spans in the last 60 words, 3 of them different: 54 / 57 were said before."""
    units = [str(place) for place in range(1000)] + 20 * ["on", "and", "so"]
    assert repeated_share(units, len(set(units)), 0.4) == pytest.approx(54 / 57)
