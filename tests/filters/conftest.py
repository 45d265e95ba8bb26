"""Rows and a bench for the filters' tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openbezoar.families import Bench, ChatModel, Filter, Numbers
from openbezoar.records import Example, Message, Verdict


def example(instruction: str, answer: str, id: str = "row") -> Example:
    asked, answered = Message(role="user", content=instruction), answer
    return Example(id=id, messages=(asked, Message(role="assistant", content=answered)))


@pytest.fixture(name="example")
def _example() -> Callable[..., Example]:
    return example


@pytest.fixture
def decide(tmp_path: Path) -> Callable[..., tuple[list[Verdict], Numbers]]:
    """Open a filter over rows, with a model where one is given, and check them all."""

    def run(
        part: Filter, rows: Sequence[Any], model: ChatModel | None = None, backwards: bool = False
    ) -> tuple[list[Verdict], Numbers]:
        @asynccontextmanager
        async def open_model(name: str) -> AsyncIterator[ChatModel]:
            assert model is not None
            assert name in part.uses()
            yield model

        bench = Bench(
            stage="filter",
            seed=1,
            folder=tmp_path,
            scratch=tmp_path,
            inputs={},
            specs={},
            open_model=open_model,
            open_checkpoint=lambda folder, print_: open_model(print_),
            say=lambda text: None,
            find=lambda print_: pytest.fail(f"a filter asked for {print_}"),
        )
        numbers: Numbers = {}

        async def verdicts() -> list[Verdict]:
            async with part.open(bench, rows, numbers) as check:
                order = rows[::-1] if backwards else rows
                found = [await check(row) for row in order]
                return found[::-1] if backwards else found

        return asyncio.run(verdicts()), numbers

    return run
