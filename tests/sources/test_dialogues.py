"""Dialogues are cut at the last answer, and everything wrong with a pair is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from openbezoar.sources.dialogues import FAULTS, Pair, audit, read_dialogue, read_pairs

START = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Sum of 1 and 1?\n\nAssistant:"
LONG = " the sum that you ask me for is exactly two as everybody knows"


def pair(chosen: Any, rejected: Any) -> Pair:
    (found,) = read_pairs([{"chosen": chosen, "rejected": rejected}])
    return found


def test_a_dialogue_is_cut_at_the_last_turn_of_the_assistant() -> None:
    dialogue = read_dialogue(START + " It is 2.")
    assert [turn.content for turn in dialogue.prompt] == ["Hi", "Hello", "Sum of 1 and 1?"]
    assert (dialogue.answer, dialogue.faults) == ("It is 2.", ())


@pytest.mark.parametrize(
    ("chosen", "rejected", "faults"),
    [
        (START + " 2", START + " 2", ["identical answers"]),
        (START + " 2", START.replace("Hi", "Ho") + " 3", ["unequal prompts"]),
        (START + " 2", START.rpartition("\n\nHuman:")[0] + " 3", ["unequal prompts"]),
        (START + " ", START + " 3", ["empty answer"]),
        (START + " 2", START, ["empty answer"]),
        (START + "2\n\nHuman: thanks", START + " 3", ["a human turn after the last answer"]),
        ("\n\nHuman: Hi", "\n\nHuman: Hi\n\nAssistant: 3", ["no answer by the assistant"]),
        ("", "", ["no answer by the assistant", "the first turn is not the human's",
                  "identical answers"]),
        ("Note" + START + " 2", START + " 3", ["text before the first turn"]),
        ("\n\nHuman: a\n\nHuman: b\n\nAssistant: c", "\n\nHuman: a\n\nAssistant: 3",
         ["same role twice in a row", "unequal prompts"]),
        ("\n\nAssistant: b", "\n\nAssistant: 3", ["the first turn is not the human's"]),
        ("\n\nHuman: \n\nAssistant: b", "\n\nHuman: \n\nAssistant: 3", ["empty turn"]),
        (None, START, ["chosen or rejected is not a text"]),
        (3, {}, ["chosen or rejected is not a text"]),
    ],
)  # fmt: skip
def test_every_anomaly_is_told(chosen: Any, rejected: Any, faults: list[str]) -> None:
    assert list(pair(chosen, rejected).faults) == faults


def test_a_missing_side_is_told() -> None:
    (found,) = read_pairs([{"chosen": START + " 2"}])
    assert found.faults == ("chosen or rejected is not a text",)


def test_a_pair_met_before_is_a_duplicate_and_a_prompt_met_before_is_noted() -> None:
    """The third pair has the prompt of the first and other answers."""
    rows = [
        {"chosen": START + " 2", "rejected": START + " 3"},
        {"chosen": START + " 2", "rejected": START + " 3"},
        {"chosen": START + " two", "rejected": START + " none"},
    ]
    first, again, akin = read_pairs(rows)
    assert (first.faults, first.flags) == ((), ())
    assert again.faults == ("duplicate",)
    assert (akin.faults, akin.flags) == ((), ("prompt of an earlier pair",))


@pytest.mark.parametrize(
    ("chosen", "rejected", "flags"),
    [
        (" Two.", " two.", ["near-identical answers"]),
        (LONG, LONG + " here", ["near-identical answers", "same opening of both answers"]),
        (LONG, LONG[:11] + " nothing at all", ["same opening of both answers"]),
        (LONG, LONG[:10], []),
        (" Two.", " Three.", []),
    ],
)
def test_an_odd_pair_is_noted_and_usable(chosen: str, rejected: str, flags: list[str]) -> None:
    found = pair(START + chosen, START + rejected)
    assert (list(found.flags), found.faults) == (flags, ())


def test_the_table_counts_pairs_and_sides() -> None:
    """Both sides of the first are empty: one pair, two sides; the second has no fault."""
    rows = [
        {"chosen": START + " ", "rejected": START},
        {"chosen": START + " 2", "rejected": START + " 3"},
    ]
    table = audit(read_pairs(rows))
    assert (table["pairs"], table["usable"], table["unusable"]) == (2, 1, 1)
    assert table["several turns of the assistant"] == 2
    assert table["empty answer"] == table["empty answer, chosen"] == 1
    assert table["empty answer, rejected"] == table["identical answers"] == 1
    assert table["unequal prompts"] == 0, "what was looked for and not found is told too"


@given(some.text(alphabet=" \naHumanssitt:", max_size=80))
def test_any_text_is_a_dialogue_that_alternates_or_has_a_fault(text: str) -> None:
    dialogue = read_dialogue("\n\nHuman:" + text.replace("s", "\n\nAssistant:"))
    assert set(dialogue.faults) <= set(FAULTS)
    roles = [turn.role for turn in dialogue.prompt]
    alternates = roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert dialogue.faults or (alternates and dialogue.answer)
