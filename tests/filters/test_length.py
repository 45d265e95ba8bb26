"""Rows within bounds are kept, and a reason names the bound that was broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.filters.length import Bounds, Length, Ratio
from openbezoar.models.scripted import Scripted
from openbezoar.models.transformers import Transformers
from openbezoar.records import Example, Message, Preference, Seed
from openbezoar.training.format import Format

Make = Callable[..., Example]
Decide = Callable[..., Any]


@pytest.mark.parametrize(
    ("bounds", "text", "reason"),
    [
        (Bounds(), "a", ""),
        (Bounds(), " \n ", "answer below 1 character"),
        (Bounds(least_characters=3), "ab ", "answer below 3 characters"),
        (Bounds(least_characters=3), "abc", ""),
        (Bounds(most_characters=3), "abcd", "answer above 3 characters"),
        (Bounds(most_characters=3), " abc ", ""),
        (Bounds(least_words=2), "one", "answer below 2 words"),
        (Bounds(least_words=2), "one two", ""),
        (Bounds(most_words=2), "one two three", "answer above 2 words"),
        (Bounds(most_words=2), "one  two", ""),
        (Bounds(least_characters=0), "", ""),
        (Bounds(most_characters=9), "\ud800\x00" * 500_000, "answer above 9 characters"),
    ],
)
def test_bounds_hold_their_ends(
    bounds: Bounds, text: str, reason: str, example: Make, decide: Decide
) -> None:
    (verdict,), _ = decide(Length(answer=bounds), [example("Why?", text)])
    assert (verdict.keep, verdict.reason) == (not reason, reason)


def test_the_reason_says_which_text_is_at_fault_and_how_long_it_is(
    example: Make, decide: Decide
) -> None:
    part = Length(instruction=Bounds(most_words=2), answer=Bounds(least_words=2))
    rows = [example("a b c", "d e"), example("a b", "c"), example("a b", "c d")]
    (asked, answered, fine), _ = decide(part, rows)
    assert (asked.reason, asked.details) == ("instruction above 2 words", {"words": 3})
    assert (answered.reason, answered.details) == ("answer below 2 words", {"words": 1})
    assert fine.keep


@pytest.mark.parametrize(
    ("asked", "said", "reason"),
    [
        ("1234", "1", "answer below 0.5 times its instruction"),
        ("1234", "12", ""),
        ("1234", "12345678", ""),
        ("1234", "123456789", "answer above 2 times its instruction"),
        ("", "123456789", ""),  # no instruction, no ratio: nothing is guessed
    ],
)
def test_an_answer_is_measured_beside_its_instruction(
    asked: str, said: str, reason: str, example: Make, decide: Decide
) -> None:
    part = Length(instruction=Bounds(least_characters=0), ratio=Ratio(least=0.5, most=2))
    (verdict,), _ = decide(part, [example(asked, said)])
    assert verdict.reason == reason


def test_a_seed_is_measured_by_its_prompt_alone(decide: Decide) -> None:
    part = Length(
        instruction=Bounds(most_words=2), answer=Bounds(least_words=5), ratio=Ratio(least=9)
    )
    seeds = [
        Seed(id="s", instruction="one two"),
        Seed(id="t", instruction="one two", context="three"),
    ]
    verdicts, _ = decide(part, seeds)
    assert [verdict.keep for verdict in verdicts] == [True, False]


def test_a_preference_is_measured_by_its_chosen_answer(decide: Decide) -> None:
    asked = (Message(role="user", content="Why?"),)
    row = Preference(id="p", prompt=asked, chosen="one two", rejected="")
    (verdict,), _ = decide(Length(answer=Bounds(least_words=2)), [row])
    assert verdict.keep


def test_tokens_are_those_of_the_named_tokenizer(
    tiny_checkpoint: Path, example: Make, decide: Decide
) -> None:
    text = "Thermal 1234 \n\n```x```"
    tokens = len(
        Format.load(tiny_checkpoint).tokenizer(text, add_special_tokens=False)["input_ids"]
    )
    assert tokens != len(text.split())
    specs = {"student": Transformers(checkpoint=str(tiny_checkpoint))}
    part = Length(answer=Bounds(least_tokens=tokens, most_tokens=tokens), tokenizer="student")
    (fine, short, long), _ = decide(
        part, [example("a", text), example("a", text[1:]), example("a", text + ".")], specs=specs
    )
    assert (part.uses(), fine.keep) == (("student",), True)
    assert (short.reason, short.details) == (
        f"answer below {tokens} tokens",
        {"tokens": tokens - 1},
    )
    assert long.reason == f"answer above {tokens} tokens"


def test_tokens_without_a_tokenizer_are_refused() -> None:
    with pytest.raises(ValidationError, match="`tokenizer` must name"):
        Length(answer=Bounds(most_tokens=5))


def test_a_tokenizer_is_that_of_a_checkpoint() -> None:
    part = Length(answer=Bounds(most_tokens=5), tokenizer="teacher")
    with pytest.raises(ConfigError, match=r"'teacher'.*use a model of kind transformers"):
        part.check_models({"teacher": Scripted(lines=())})


@pytest.mark.parametrize("unit", ["tokens", "words", "characters"])
def test_a_limit_below_the_least_is_refused(unit: str) -> None:
    with pytest.raises(ValidationError, match=f"most_{unit}"):
        Bounds(**{f"least_{unit}": 3, f"most_{unit}": 2})
    with pytest.raises(ValidationError, match="below least"):
        Ratio(least=3, most=2)
