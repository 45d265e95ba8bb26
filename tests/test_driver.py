"""The driver keeps order, bounds and neighbours, however the answers arrive."""

import asyncio
import itertools
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from openbezoar.driver import FailureLimit, Outcome, over_rows, wait_for, waiting
from openbezoar.errors import ModelError, ParseError

Work = Callable[[int], Awaitable[int]]


class Desk:
    """Work that stays open until the test answers it."""

    def __init__(self) -> None:
        self.open: dict[int, asyncio.Future[int]] = {}
        self.cancelled: list[int] = []
        self.most = 0

    async def work(self, row: int) -> int:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.open[row] = answer
        self.most = max(self.most, len(self.open))
        try:
            return await answer
        except asyncio.CancelledError:
            self.cancelled.append(row)
            raise
        finally:
            del self.open[row]

    async def settle(self) -> None:
        """Let every task go as far as it can."""
        for _ in range(8):
            await asyncio.sleep(0)


async def collect(rows: Any, work: Work, limit: int = 4) -> list[Outcome[int, int]]:
    return [outcome async for outcome in over_rows(rows, work, limit)]


@given(some.integers(0, 40), some.integers(1, 6), some.randoms(use_true_random=False))
def test_rows_come_out_in_input_order_however_answers_arrive(
    count: int, limit: int, chance: random.Random
) -> None:
    async def run() -> tuple[list[Outcome[int, int]], int]:
        desk = Desk()
        collecting = asyncio.create_task(collect(range(count), desk.work, limit))
        await desk.settle()
        while desk.open:
            row = chance.choice(sorted(desk.open))
            desk.open[row].set_result(row * row)
            await desk.settle()
        return await collecting, desk.most

    outcomes, most = asyncio.run(run())
    assert [(outcome.row, outcome.result) for outcome in outcomes] == [
        (row, row * row) for row in range(count)
    ]
    assert most == min(limit, count)


async def test_one_failed_row_does_not_cancel_its_neighbours() -> None:
    async def work(row: int) -> int:
        await asyncio.sleep(0)
        if row == 3:
            raise ParseError("odd", str(row))
        return row

    outcomes = await collect(range(6), work)
    assert [outcome.result for outcome in outcomes] == [0, 1, 2, None, 4, 5]
    assert [outcome.error.reason for outcome in outcomes if outcome.error] == ["odd"]


@pytest.mark.parametrize("rows", [3, 100], ids=["at the end", "while rows still come"])
async def test_a_model_that_is_gone_stops_everything_at_once(rows: int) -> None:
    desk = Desk()
    collecting = asyncio.create_task(collect(range(rows), desk.work, 3))
    await desk.settle()
    desk.open[1].set_exception(ModelError("gone"))
    await desk.settle()
    assert collecting.done(), "row 0 was still waited for"
    with pytest.raises(ModelError, match="gone"):
        await collecting
    assert desk.cancelled[:2] == [0, 2]
    assert desk.open == {}


async def test_leaving_early_cancels_what_is_at_work() -> None:
    desk = Desk()
    outcomes = over_rows(range(10), desk.work, 2)
    first = asyncio.ensure_future(anext(outcomes))
    await desk.settle()
    desk.open[0].set_result(0)
    assert (await first).row == 0
    await desk.settle()
    await outcomes.aclose()
    assert desk.open == {}


async def test_waiting_for_a_slow_row_costs_no_processor_time() -> None:
    desk = Desk()
    collecting = asyncio.create_task(collect(range(3), desk.work, 3))
    await desk.settle()
    desk.open[1].set_result(1)
    desk.open[2].set_result(2)
    await desk.settle()
    waits = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal waits
        waits += event == "call" and frame.f_code is asyncio.wait.__code__

    sys.setprofile(count)
    await desk.settle()
    sys.setprofile(None)
    desk.open[0].set_result(0)
    await collecting
    assert waits == 0, "the driver spins while it waits"


async def test_rows_are_drawn_no_further_than_four_times_the_limit_ahead() -> None:
    drawn = 0

    def rows() -> Iterator[int]:
        nonlocal drawn
        for drawn in itertools.count(1):
            yield drawn - 1

    desk = Desk()
    outcomes = over_rows(rows(), desk.work, 2)
    first = asyncio.ensure_future(anext(outcomes))
    await desk.settle()
    for row in range(1, 8):
        desk.open[row].set_result(row)
        await desk.settle()
    assert drawn == 8
    desk.open[0].set_result(0)
    assert (await first).row == 0
    await outcomes.aclose()


def count(failures: list[bool], limit: FailureLimit) -> int:
    """How many rows are counted before the limit stops the stage."""
    for place, failed in enumerate(failures, start=1):
        try:
            limit.count(Outcome(place, None, ParseError("odd") if failed else None))
        except ModelError:
            return place
    return 0


def spread(failed: int, total: int) -> list[bool]:
    """Failures at even distances."""
    return [(place + 1) * failed // total > place * failed // total for place in range(total)]


@pytest.mark.parametrize(
    ("failures", "stops_at"),
    [
        (spread(21, 512), 0),
        ([True] * 21 + [False] * 491, 0),
        ([False] * 491 + [True] * 21, 0),
        (spread(256, 512), 0),
        (spread(300, 512), 64),
        ([False] * 212 + [True] * 300, 245),
        ([True] * 63, 0),
        ([True] * 64, 64),
    ],
)
def test_a_stage_stops_when_more_than_the_share_of_a_window_failed(
    failures: list[bool], stops_at: int
) -> None:
    assert count(failures, FailureLimit(share=0.5, window=64)) == stops_at


def test_the_limit_names_the_latest_failure_even_when_the_last_row_was_good() -> None:
    limit = FailureLimit(share=0.5, window=4)
    for error in [ParseError("odd", "reply 3")] * 3:
        limit.count(Outcome(0, None, error))
    with pytest.raises(ModelError, match=r"3 of the last 4 rows failed.*odd: reply 3"):
        limit.count(Outcome(0, 1, None))


def test_synchronous_code_waits_for_a_coroutine() -> None:
    async def work() -> int:
        return 7

    assert wait_for(work()) == 7


def test_one_loop_serves_one_coroutine_after_another() -> None:
    async def opened() -> asyncio.Event:
        return asyncio.Event()

    async def heard(event: asyncio.Event) -> bool:
        asyncio.get_running_loop().call_soon(event.set)
        return await event.wait()

    with waiting() as wait:
        event = wait(opened())
        assert wait(heard(event)) is True
        with pytest.raises(ParseError):
            wait(failing())
        assert wait(heard(event)) is True


async def failing() -> None:
    raise ParseError("no")
