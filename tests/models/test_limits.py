"""A gate that narrows when a server is busy, and a rate that is kept without bursts."""

import asyncio
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from openbezoar.families import Request, Sampling
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.limits import Gate, Pacer, PerMinute, limits_of
from openbezoar.models.openai import OpenAI
from openbezoar.models.scripted import Line, Scripted
from openbezoar.records import Completion

Ask = Callable[..., Request]


def test_a_busy_server_halves_the_gate_once_for_what_was_under_way_together() -> None:
    gate = Gate(16)
    gate.refused(0)
    gate.refused(0)
    assert gate.limit == 8
    gate.refused(1)
    assert gate.limit == 4


def test_a_round_of_answers_lets_one_more_in_up_to_the_ceiling() -> None:
    gate = Gate(4)
    gate.refused(0)
    assert gate.limit == 2
    for _ in range(3):
        gate.answered()
    assert gate.limit == 3
    for _ in range(100):
        gate.answered()
    assert gate.limit == 4


def test_a_gate_never_closes_for_good() -> None:
    gate = Gate(2)
    for round_ in range(20):
        gate.refused(round_)
    assert gate.limit == 1


async def test_those_who_wait_are_let_in_in_order() -> None:
    gate = Gate(1)
    entered: list[int] = []

    async def visit(number: int) -> None:
        await gate.enter()
        entered.append(number)
        await asyncio.sleep(0)
        gate.leave()

    await asyncio.gather(*map(visit, range(5)))
    assert entered == [0, 1, 2, 3, 4]


async def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    gate = Gate(1)
    await gate.enter()
    gone, stays = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    gate.leave()
    await stays
    gate.leave()
    await asyncio.wait_for(gate.enter(), 1)


async def test_who_is_cancelled_when_let_in_gives_the_place_back() -> None:
    gate = Gate(1)
    await gate.enter()
    gone = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.leave()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.wait_for(gate.enter(), 1)


@given(some.lists(some.floats(0, 3), min_size=1, max_size=50))
def test_requests_are_spread_evenly_whatever_the_pauses(pauses: list[float]) -> None:
    """60 a minute is one a second: no two may start closer than that."""
    now = 0.0
    rate = PerMinute(60, now=lambda: now)
    starts = []
    for pause in pauses:
        now += pause
        starts.append(now + rate.book(1))
    assert starts[0] == pauses[0]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert min(gaps, default=1) >= 1 - 1e-9


def test_what_was_booked_too_much_is_given_back() -> None:
    rate = PerMinute(600, now=lambda: 0.0)
    assert rate.book(100) == 0
    rate.correct(-70)
    assert rate.book(1) == pytest.approx(3.0)


async def test_tokens_are_estimated_from_the_request_and_then_from_the_answers(ask: Ask) -> None:
    pacer = Pacer(Endpoint())
    request = ask("x" * 39, sampling=Sampling(max_tokens=100))
    assert await pacer.turn(request) == 10 + 100
    pacer.settle(110, Completion(text="", finish_reason="", tokens_in=9, tokens_out=20))
    assert await pacer.turn(request) == 10 + 20
    pacer.settle(30, None)
    assert await pacer.turn(request) == 10 + 20


@pytest.mark.parametrize("limits", [{"requests_per_minute": 1200}, {"tokens_per_minute": 12000}])
async def test_a_rate_holds_requests_back(ask: Ask, limits: dict[str, float]) -> None:
    """Three requests of 10 tokens: the third starts 0.1 s after the first."""
    pacer = Pacer(Endpoint.model_validate(limits))
    request = ask("x" * 20, sampling=Sampling(max_tokens=4))
    clock = asyncio.get_running_loop().time
    started = clock()
    for _ in range(3):
        await pacer.turn(request)
    assert clock() - started >= 0.09


def test_only_a_model_behind_a_server_has_limits() -> None:
    assert limits_of(OpenAI(model="m", runtime=Endpoint(concurrency=3))) is not None
    assert limits_of(Scripted(lines=(Line(reply="yes"),))) is None
