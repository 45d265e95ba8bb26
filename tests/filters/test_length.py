"""Texts within bounds are kept."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from openbezoar.filters.length import Bounds, Length
from openbezoar.records import Example, Message, Preference, Seed

Make = Callable[..., Example]


@pytest.mark.parametrize(
    ("bounds", "text", "fault"),
    [
        (Bounds(), "a", ""),
        (Bounds(), " \n ", "too short"),
        (Bounds(least_characters=3), "ab ", "too short"),
        (Bounds(least_characters=3), "abc", ""),
        (Bounds(most_characters=3), "abcd", "too long"),
        (Bounds(most_characters=3), " abc ", ""),
        (Bounds(least_words=2), "one", "too short"),
        (Bounds(least_words=2), "one two", ""),
        (Bounds(most_words=2), "one two three", "too long"),
        (Bounds(most_words=2), "one  two", ""),
    ],
)
def test_bounds_hold_their_ends(bounds: Bounds, text: str, fault: str) -> None:
    assert bounds.fault(text) == fault


def test_the_reason_says_which_text_is_at_fault(example: Make) -> None:
    part = Length(instruction=Bounds(most_words=2), answer=Bounds(least_words=2))
    assert part.check(example("one two three", "four five")).reason == "instruction too long"
    assert part.check(example("one two", "three")).reason == "answer too short"
    assert part.check(example("one two", "three four")).keep


def test_a_seed_is_measured_by_its_prompt_alone() -> None:
    part = Length(instruction=Bounds(most_words=2), answer=Bounds(least_words=5))
    assert part.check(Seed(id="s", instruction="one two")).keep
    assert not part.check(Seed(id="s", instruction="one two", context="three")).keep


def test_a_preference_is_measured_by_its_chosen_answer() -> None:
    asked = (Message(role="user", content="Why?"),)
    row = Preference(id="p", prompt=asked, chosen="one two", rejected="")
    assert Length(answer=Bounds(least_words=2)).check(row).keep


@pytest.mark.parametrize("what", ["words", "characters"])
def test_a_limit_below_the_least_is_refused(what: str) -> None:
    with pytest.raises(ValidationError, match=f"most_{what}"):
        Bounds(**{f"least_{what}": 3, f"most_{what}": 2})
