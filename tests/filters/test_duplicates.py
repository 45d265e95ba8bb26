"""The first of equal rows is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from openbezoar.filters.duplicates import Duplicates, normalised
from openbezoar.records import Example, Seed

Make = Callable[..., Example]
Decide = Callable[..., Any]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is rust?", "what is  RUST"),
        ("Name “three” fruits.", 'Name "three" fruits'),
        ("Stra\u00dfe\u00a0eins", "STRASSE eins"),  # a no-break space, and a folded sharp s
        ("Well, yes!", "well yes"),
    ],
)
def test_case_white_space_and_punctuation_do_not_tell_rows_apart(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2 + 3?", "What is 2 - 3?"),
        ("What is 2*3?", "What is 2/3?"),
        ("Add -5 to 3.", "Add 5 to 3."),
        ("Round 1.5.", "Round 15."),
        ("What does ! mean?", "What does ? mean?"),
        ("Write it", "Write it in C"),
    ],
)
def test_other_questions_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_the_first_row_wins_and_the_others_name_it(example: Make, decide: Decide) -> None:
    rows = [example(text, "x", id=text) for text in ("A b?", "c", "a B", "C!", "d")]
    verdicts, _ = decide(Duplicates(), rows)
    assert [verdict.keep for verdict in verdicts] == [True, True, False, False, True]
    assert (verdicts[2].reason, verdicts[2].details) == ("duplicate", {"repeats": "A b?"})


def test_another_answer_is_another_row_when_both_count(example: Make, decide: Decide) -> None:
    rows = [example("a", "one", "1"), example("a", "two", "2"), example("a", "Two.", "3")]
    by_both, _ = decide(Duplicates(of="instruction and answer"), rows)
    by_instruction, _ = decide(Duplicates(), rows)
    assert [verdict.keep for verdict in by_both] == [True, True, False]
    assert [verdict.keep for verdict in by_instruction] == [True, False, False]


def test_seeds_with_other_contexts_are_no_duplicates(decide: Decide) -> None:
    seeds = [
        Seed(id="1", instruction="Sum up.", context="One text."),
        Seed(id="2", instruction="Sum up.", context="Another text."),
        Seed(id="3", instruction="sum up", context="one text"),
    ]
    verdicts, _ = decide(Duplicates(), seeds)
    assert [verdict.keep for verdict in verdicts] == [True, True, False]


def test_a_lone_surrogate_is_a_letter_like_any_other(example: Make, decide: Decide) -> None:
    verdicts, _ = decide(Duplicates(), [example("a\ud800", "x", "1"), example("a\ud801", "x", "2")])
    assert [verdict.keep for verdict in verdicts] == [True, True]
