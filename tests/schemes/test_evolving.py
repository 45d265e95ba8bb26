"""Evolved prompts are read from any reply, and strategies are drawn as published."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.schemes.evolving import (
    IN_BREADTH,
    IN_DEPTH,
    OPERATIONS,
    Evolved,
    Step,
    draw_for_pool,
    draw_for_row,
    first_bytes,
    first_tokens,
    read_evolved,
)

NEW = "Name three red fruits."


@pytest.mark.parametrize(
    "reply",
    [
        NEW,
        f"#Rewritten Prompt#: {NEW}",
        f"#Created Prompt#:\n{NEW}",
        f"**#Rewritten Prompt#:** {NEW}",
        f"### Rewritten Prompt\n{NEW}",
        f"#Given Prompt#: Name a fruit.\n#Rewritten Prompt#: {NEW}",
        f"#Rewritten Prompt#:\n#Rewritten Prompt#: {NEW}",
        f"#Rewritten Prompt#: {NEW}\n#Rewritten Prompt#: Name another.",
        f"Of course! #Rewritten Prompt#: {NEW} #Given Prompt#: Name a fruit.",
        f"Sure! Here's the rewritten prompt:\n\n{NEW}",
        f'"{NEW}"',
        f"{NEW}<|endoftext|>",
    ],
)
def test_the_evolved_prompt_is_found(reply: str) -> None:
    assert read_evolved(reply) == Evolved(NEW)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "empty evolution"),
        ("", "empty evolution"),
        (" \n", "empty evolution"),
        ("<|endoftext|>", "empty evolution"),
        ("#Rewritten Prompt#:", "nothing but a marker"),
        ("#Rewritten Prompt#: #Rewritten Prompt#:\n", "nothing but a marker"),
    ],
)
def test_a_reply_without_a_prompt_has_a_reason(reply: str | None, reason: str) -> None:
    assert read_evolved(reply) == Evolved("", reason)


PIECES = st.sampled_from(["#Rewritten Prompt#", "#Given Prompt#:", "#", '"', "\n", "Here is:", "a"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join))
def test_any_reply_gives_a_prompt_or_a_reason(reply: str) -> None:
    text, reason = read_evolved(reply)
    assert bool(text.strip()) != bool(reason)


def test_a_pool_draws_the_strategy_first_and_never_complicates_the_input() -> None:
    stream = random.Random(3)
    drawn = Counter(draw_for_pool(stream) for _ in range(4000))
    assert {step.operation for step in drawn} == {None, *OPERATIONS}
    assert drawn[Step(IN_BREADTH, None)] == pytest.approx(2000, abs=150)
    assert all(drawn[Step(IN_DEPTH, name)] == pytest.approx(500, abs=90) for name in OPERATIONS)


def test_a_row_draws_uniformly_over_all_six_operations() -> None:
    stream = random.Random(3)
    drawn = Counter(draw_for_row(stream) for _ in range(6000))
    assert len(drawn) == 6
    assert (IN_DEPTH, "complicate-input") in drawn
    assert all(count == pytest.approx(1000, abs=120) for count in drawn.values())


@given(st.text(max_size=60), st.integers(1, 12))
def test_bytes_keep_an_opening_of_at_most_four_a_token(text: str, tokens: int) -> None:
    cut = first_bytes(text, tokens)
    assert len(cut.encode()) <= 4 * tokens
    assert text.startswith(cut)


COUNTS: dict[str, Callable[[str], int]] = {
    "bytes": lambda text: len(text.encode()),
    "words": lambda text: len(text.split()),
    "characters": len,
    # Merges that come and go: a longer beginning may well have fewer tokens.
    "pairs": lambda text: len(text.replace("ab", "X").replace("XX", "Y")),
}


def cut(text: str, limit: int, count: Callable[[str], int]) -> tuple[str, list[int]]:
    """The beginning that is kept, and how long the texts were that had to be counted."""
    counted: list[int] = []

    async def counts(part: str) -> int:
        counted.append(len(part))
        return count(part)

    return asyncio.run(first_tokens(text, limit, counts)), counted


@pytest.mark.parametrize("kind", COUNTS)
@given(
    text=st.text(max_size=60) | st.text("ab \u00e9\U0001f600", max_size=60), limit=st.integers(1, 9)
)
def test_the_first_tokens_are_a_beginning_that_just_fits(kind: str, text: str, limit: int) -> None:
    count = COUNTS[kind]
    kept, _ = cut(text, limit, count)
    assert text.startswith(kept)
    assert count(kept) <= limit
    assert kept == text or count(text[: len(kept) + 1]) > limit


def test_of_a_long_text_little_is_counted() -> None:
    kept, counted = cut("word " * 200_000, 1024, COUNTS["words"])
    assert len(kept.split()) == 1024
    assert max(counted) <= 4 * len(kept)
    assert len(counted) < 20


def test_a_text_that_fits_is_counted_once() -> None:
    assert cut("Name a fruit.", 1024, COUNTS["words"]) == ("Name a fruit.", [13])
