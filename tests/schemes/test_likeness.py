"""Copies are told from new instructions."""

import pytest

from openbezoar.schemes.likeness import is_copy, overlap

ORIGINAL = "Name three fruits that are rich in vitamin C."


@pytest.mark.parametrize(
    "text",
    [
        ORIGINAL,
        "NAME THREE FRUITS THAT ARE RICH IN VITAMIN C",
        "Name three fruits rich in vitamin C.",
        "Name four fruits that are rich in vitamin C!",
        "Nmae three fruits that are rich in vitamin C.",
        "Please name three fruits that are rich in vitamin C.",
    ],
)
def test_a_lightly_edited_text_is_a_copy(text: str) -> None:
    assert is_copy(text, ORIGINAL)


@pytest.mark.parametrize(
    "text", ["Name three minerals that plants take from soil.", "List fruits.", "Why?", ""]
)
def test_another_instruction_is_no_copy(text: str) -> None:
    assert not is_copy(text, ORIGINAL)


def test_overlap_is_the_share_of_distinct_words_in_common() -> None:
    assert overlap("red, RED apple", "apple red pear green") == 0.5
    assert overlap("?!", "...") == 1.0
