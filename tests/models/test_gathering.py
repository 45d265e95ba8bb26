"""Waiting requests share a batch, and each keeps its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from openbezoar.models.gathering import Gathered


class Upper:
    """Answers with capitals and remembers the batches; `bad` fails its batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self, batch: Sequence[str]) -> list[str]:
        self.batches.append(list(batch))
        if "bad" in batch:
            raise ValueError("bad")
        return [word.upper() for word in batch]


async def test_those_who_wait_are_answered_together_up_to_the_limit() -> None:
    run = Upper()
    gathered = Gathered(run, limit=2, alike=lambda word: None)
    words = ["a", "b", "c", "d", "e"]
    assert await asyncio.gather(*map(gathered.ask, words)) == ["A", "B", "C", "D", "E"]
    assert run.batches == [["a", "b"], ["c", "d"], ["e"]]


async def test_only_alike_work_shares_a_batch() -> None:
    run = Upper()
    gathered = Gathered(run, limit=9, alike=len)
    assert await asyncio.gather(*map(gathered.ask, ["a", "bb", "c"])) == ["A", "BB", "C"]
    assert run.batches == [["a", "c"], ["bb"]]


async def test_an_error_reaches_its_caller_and_the_others_are_tried_again() -> None:
    gathered = Gathered(Upper(), limit=9, alike=lambda word: None)
    asked = asyncio.gather(*map(gathered.ask, ["bad", "a", "b"]), return_exceptions=True)
    failed, *others = await asked
    assert isinstance(failed, ValueError)
    assert others == ["A", "B"]


async def test_a_caller_that_gave_up_is_not_answered() -> None:
    run = Upper()
    gathered = Gathered(run, limit=9, alike=lambda word: None)
    tasks = [asyncio.create_task(gathered.ask(word)) for word in ("a", "b")]
    tasks[1].cancel()
    assert await tasks[0] == "A"
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert run.batches == [["a"]]
