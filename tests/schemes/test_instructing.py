"""Questions and commands are told from statements and titles, leniently."""

from pathlib import Path

import pytest

from openbezoar import jsonl
from openbezoar.schemes.instructing import is_instruction


@pytest.mark.parametrize(
    "text",
    [
        "Why is the sky blue",
        "Write a poem about rain.",
        "Please, kindly tell me how bees sleep.",
        "hello! can you help me with my bike",
        "Apples: red or green?",
        "Given the text below, list the kings.",
        "I am a teacher. Create a quiz on rivers.",
        "I\u2019d like a recipe for rye bread.",
        "1. Name three capitals.",
        "You are a pirate.",
        "Here is a list of cities.\nSort them by size",
        "As a doctor \u2014 explain fever to a child",
    ],
)
def test_what_asks_is_an_instruction(text: str) -> None:
    assert is_instruction(text)


@pytest.mark.parametrize(
    "text",
    [
        "The history of Rome",
        "Rome was founded in 753 BC.",
        "Photosynthesis, which takes place in leaves, needs light.",
        "The best ways to store apples over winter",
        "Sure, here are some more examples.",
        "Yes. It is cold in winter.",
        "To get the best price, you need to visit three shops.",
        "...",
    ],
)
def test_a_statement_or_a_title_is_none(text: str) -> None:
    assert not is_instruction(text)


@pytest.mark.slow
def test_few_instructions_that_people_wrote_are_refused(data_folder: Path) -> None:
    """2.4 % of Dolly's, of which a good part are unfinished statements indeed."""
    rows = jsonl.read_objects(data_folder / "dolly" / "databricks-dolly-15k.jsonl.gz")
    asked = [is_instruction(row["instruction"]) for _, row in rows]
    assert asked.count(False) / len(asked) < 0.03


@pytest.mark.slow
def test_most_opening_sentences_of_answers_are_refused(data_folder: Path) -> None:
    rows = jsonl.read_objects(data_folder / "dolly" / "databricks-dolly-15k.jsonl.gz")
    openings = [row["response"].split(". ")[0] for _, row in rows]
    taken = [is_instruction(opening) for opening in openings if len(opening.split()) > 3]
    assert taken.count(True) / len(taken) < 0.1
