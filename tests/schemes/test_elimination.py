"""Each elimination rule has cases both ways."""

import pytest

from openbezoar.schemes.elimination import (
    copies_markers,
    is_apology,
    is_only_stop_words,
    overlaps,
    read_equality,
)


@pytest.mark.parametrize(
    ("reply", "equal"),
    [
        ("The two prompts are equal.", True),
        ("Equal", True),
        ("EQUAL, since both ask for the same.", True),
        ("The two prompts are not equal.", False),
        ("Not equal. Were they equal, they would ask for the same.", False),
        ("They aren't equal.", False),
        ("They are not entirely equal.", False),
        ("unequal", False),
        ("The second asks for equality of rights.", None),
        ("Yes.", None),
        ("", None),
    ],
)
def test_a_verdict_on_equality_is_read_or_absent(reply: str, equal: bool | None) -> None:
    assert read_equality(reply) is equal


@pytest.mark.parametrize(
    ("answer", "apology"),
    [
        ("I'm sorry, I cannot help with that.", True),
        ("SORRY!", True),
        ("sorry " + "word " * 78, True),
        ("sorry " + "word " * 79, False),
        ("sorry " + "word " * 89, False),
        ("I cannot help with that.", False),
    ],
)
def test_a_short_answer_with_sorry_is_an_apology(answer: str, apology: bool) -> None:
    assert is_apology(answer) is apology


@pytest.mark.parametrize(
    ("answer", "empty"),
    [
        ("", True),
        ("... !?", True),
        ("It is what it is, and so on.", True),
        ("It's you, isn\u2019t it?", True),
        ("Paris.", False),
        ("42", False),
        ("It is a cat.", False),
        ("日本", False),
    ],
)
def test_an_answer_of_stop_words_says_nothing(answer: str, empty: bool) -> None:
    assert is_only_stop_words(answer) is empty


@pytest.mark.parametrize(
    ("evolved", "copied"),
    [
        ("Rewrite the given prompt in French.", True),
        ("#Rewritten Prompt#: Name a fruit.", True),
        ("The REWRITTEN  PROMPT is: name a fruit", True),
        ("This created prompt is new.", True),
        ("Give a prompt answer about fruit.", False),
        ("Which prompt was given to the actor?", False),
    ],
)
def test_copied_marker_phrases_are_found(evolved: str, copied: bool) -> None:
    assert copies_markers(evolved) is copied


def test_nearly_the_same_words_overlap() -> None:
    nineteen = " ".join(f"word{number}" for number in range(19))
    assert overlaps(nineteen, nineteen + " more")
    assert not overlaps(nineteen, nineteen + " one two three")
