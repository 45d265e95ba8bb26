"""Rows and a bench for the filters' tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from openbezoar.driver import over_rows
from openbezoar.families import AskingFilter, Bench, ChatModel, Filter, ModelSpec, Numbers
from openbezoar.models.scripted import Scripted
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
        part: Filter,
        rows: Sequence[Any],
        model: ChatModel | None = None,
        specs: Mapping[str, ModelSpec] = MappingProxyType({}),
        together: int = 1000,
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
            specs=specs or {name: Scripted(lines=()) for name in part.uses()},
            open_model=open_model,
            open_checkpoint=lambda folder, print_: open_model(print_),
            say=lambda text: None,
            find=lambda print_: pytest.fail(f"a filter asked for {print_}"),
        )
        numbers: Numbers = {}

        async def verdicts() -> list[Verdict]:
            assert isinstance(part, AskingFilter)
            async with part.ask(bench, rows, numbers) as decide:
                outcomes = [outcome async for outcome in over_rows(rows, decide)]
            return [one.result or part.unchecked(one.error) for one in outcomes]

        if isinstance(part, AskingFilter):
            return asyncio.run(verdicts()), numbers
        with part.open_for_many(bench, numbers) as check:
            blocks = [rows[at : at + together] for at in range(0, len(rows), together)]
            return [verdict for block in blocks for verdict in check(block)], numbers

    return run
