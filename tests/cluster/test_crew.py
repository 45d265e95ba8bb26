"""A crew runs every row once, whatever befalls its workers, and says in one line when it cannot."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

import pytest

from openbezoar.cluster.crew import LIVES
from openbezoar.cluster.worker import Hello, Job
from openbezoar.driver import Outcome, over_rows
from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import ChatModel, Scorer, Work
from openbezoar.models.scripted import Scripted
from openbezoar.records import Message
from tests.cluster.conftest import (
    ECHO,
    Doorman,
    Killable,
    ScoringDoorman,
    crew_of,
    job,
    request,
)

ROWS = [f"row {number}" for number in range(40)]


async def shout(row: str, model: ChatModel) -> str:
    return (await model.complete(request(row))).text


async def outcomes(
    start: Callable[[], Killable], model: ChatModel, rows: Sequence[str] = ROWS, share: int = 4
) -> list[Outcome[str, Any]]:
    async with (
        crew_of(start, model, share) as crew,
        aclosing(over_rows(rows, crew.run, 8)) as found,
    ):
        return [outcome async for outcome in found]


def starting(work: Work) -> Callable[[], Killable]:
    return lambda: Killable(job(work))


async def test_rows_come_out_in_order_and_every_request_passes_the_driver() -> None:
    model = Doorman()
    found = await outcomes(starting(shout), model)
    assert [outcome.result for outcome in found] == [f"{row}!" for row in ROWS]
    assert sorted(model.passed) == sorted(ROWS)


async def test_a_row_that_cannot_be_parsed_fails_alone() -> None:
    async def work(row: str, model: ChatModel) -> str:
        if row == "row 3":
            raise ParseError("odd", row)
        return row

    found = await outcomes(starting(work), Doorman())
    assert [str(outcome.error) for outcome in found if outcome.error] == ["odd: row 3"]
    assert len(found) == len(ROWS)


async def test_an_error_of_the_model_stops_the_stage_as_it_does_here() -> None:
    with pytest.raises(ModelError, match=r"^scripted model: no line matches 'row \d+'"):
        await outcomes(lambda: Killable(job(shout, Scripted(lines=()))), Doorman())


async def test_what_a_killed_worker_had_at_work_is_done_by_others_once() -> None:
    workers: list[Killable] = []
    started: Counter[str] = Counter()

    def start() -> Killable:
        workers.append(Killable(job(work)))
        return workers[-1]

    async def work(row: str, model: ChatModel) -> str:
        started[row] += 1
        if started.total() in (10, 25):
            workers[-1].kill()
        await asyncio.sleep(0.01)
        return await shout(row, model)

    found = await outcomes(start, Doorman())
    assert [outcome.result for outcome in found] == [f"{row}!" for row in ROWS]
    assert len(workers) == 4
    assert 0 < started.total() - len(ROWS) <= 8


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=["among others", "alone"])
async def test_a_row_that_kills_its_workers_stops_the_stage(rows: list[str]) -> None:
    workers: list[Killable] = []

    def start() -> Killable:
        async def work(row: str, model: ChatModel) -> str:
            if row == "row 0":
                own.kill()
            await asyncio.sleep(0.01)
            return row

        own = Killable(job(work))
        workers.append(own)
        return own

    with pytest.raises(ModelError) as raised:
        await outcomes(start, Doorman(), rows)
    assert str(raised.value).startswith(f"{LIVES} workers died with the same row at work")
    assert "\n" not in str(raised.value)
    assert len(workers) <= 2 + 2 * LIVES


async def test_workers_that_die_before_a_word_stop_the_stage() -> None:
    def start() -> Killable:
        worker = Killable(job(shout))
        worker.kill()
        return worker

    with pytest.raises(ModelError, match=f"no worker can start, {LIVES} died .* it was killed"):
        async with crew_of(start, Doorman()) as crew:
            await crew.run("row")


class Waiting(Killable):
    """One that finds no room."""

    async def hello(self) -> Hello:
        return await self._alive(asyncio.Event().wait())


async def test_a_cluster_without_room_stops_the_stage_in_time() -> None:
    with pytest.raises(ModelError, match=r"no worker found room .* for 0\.01 s; .*`ray status`"):
        async with crew_of(lambda: Waiting(job(shout)), Doorman(), patience=0.01) as crew:
            await crew.run("row")


async def test_one_worker_with_room_is_enough() -> None:
    kinds = iter([Killable, Waiting])
    async with crew_of(lambda: next(kinds)(job(shout)), Doorman(), patience=0.01) as crew:
        await asyncio.sleep(0.05)
        assert await crew.run("row") == "row!"


async def test_a_machine_with_another_version_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^far has openbezoar 0\.0, this machine .*same version"):
        async with crew_of(lambda: Killable(job(shout), version="0.0"), Doorman()) as crew:
            await crew.run("row")


async def test_no_worker_has_more_rows_at_work_than_its_share() -> None:
    most: Counter[int] = Counter()
    busy: Counter[int] = Counter()

    def start() -> Killable:
        own = len(most)
        most[own] = 0

        async def work(row: str, model: ChatModel) -> None:
            busy[own] += 1
            most[own] = max(most[own], busy[own])
            await asyncio.sleep(0.001)
            busy[own] -= 1

        return Killable(job(work))

    await outcomes(start, Doorman(), share=3)
    assert most == {0: 3, 1: 3}


async def test_a_mistake_in_the_code_of_a_row_shows_its_traceback() -> None:
    async def work(row: str, model: ChatModel) -> str:
        raise KeyError("no such thing")

    with pytest.raises(RuntimeError, match=r"(?s)in work.*KeyError: 'no such thing'"):
        await outcomes(starting(work), Doorman())


async def test_a_model_that_does_not_travel_is_asked_by_the_driver_alone() -> None:
    class Rooted(Doorman):
        def send_through(self, connect: object) -> None:
            """Stays where it is."""

    found = await outcomes(starting(shout), Rooted(), ROWS[:3])
    assert [outcome.result for outcome in found] == ["row 0!", "row 1!", "row 2!"]


async def test_tokens_are_counted_from_afar() -> None:
    async def work(row: str, model: ChatModel) -> int:
        return await model.count_tokens(row)

    (outcome,) = await outcomes(starting(work), Doorman(), ["one two three"])
    assert outcome.result == 3


class Liker(ChatModel, Scorer):
    """Finds longer answers less likely."""

    name = "liker"

    async def complete(self, request: Any) -> Any:
        raise NotImplementedError

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        return -float(len(answer)), float(len(messages))


class LikerSpec(Scripted):
    """Opens one that scores."""

    scores = True

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[ChatModel]:
            yield Liker()

        return opened()


async def test_likelihoods_are_asked_from_afar() -> None:
    async def work(row: str, model: ChatModel) -> tuple[float, ...]:
        assert isinstance(model, Scorer)
        return await model.log_probabilities(request("one").messages, row)

    told: Job = job(work, LikerSpec(lines=()), scores=True)
    async with crew_of(lambda: Killable(told), ScoringDoorman()) as crew:
        assert await crew.run("four") == (-4.0, 1)


async def test_a_worker_whose_model_has_other_files_is_refused_by_name() -> None:
    told = job(shout, ECHO, evidence={"model.safetensors": "another"})
    with pytest.raises(ConfigError, match=re.escape("model 'scripted' has other files here")):
        async with crew_of(lambda: Killable(told), Doorman()) as crew:
            await crew.run("row")


async def test_when_the_crew_is_gone_its_rows_are_told_so() -> None:
    async with crew_of(lambda: Killable(job(shout)), Doorman()) as crew:
        pass
    with pytest.raises(ModelError, match="workers of the cluster have gone"):
        await crew.run("row")
