"""Calls and replies find each other, whatever is said and however letters are carried."""

import asyncio
import pickle
from typing import Any

import pytest

from openbezoar.cluster.wire import Call, End, Reply
from openbezoar.errors import BudgetReached, ParseError
from openbezoar.models.retrying import Trouble


async def echo(what: str, given: tuple[Any, ...]) -> Any:
    if what == "fail":
        raise given[0]
    return what, *given


async def carry(one: End, other: End) -> None:
    """Carry letters both ways, as bytes, until cancelled."""

    async def carry_on(giver: End, taker: End) -> None:
        while True:
            taker.receive(pickle.loads(pickle.dumps(await giver.outgoing())))  # noqa: S301 - our own

    await asyncio.gather(carry_on(one, other), carry_on(other, one))


@pytest.fixture
async def asker() -> Any:
    """An end whose other end echoes what it is asked, or fails with it."""
    one, other = End(echo), End(echo)
    carrying = asyncio.create_task(carry(one, other))
    yield one
    carrying.cancel()


HOSTILE = ["", "\ud800 alone", "\x00\x1b[2J", "x" * 1_000_000, None, {"a": [1.5, None]}]


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_is_given_arrives_as_it_is(asker: End, said: object) -> None:
    assert await asker.call("say", said) == ("say", said)


async def test_a_call_gets_its_own_reply_however_many_are_open(asker: End) -> None:
    replies = await asyncio.gather(*(asker.call("say", number) for number in range(100)))
    assert replies == [("say", number) for number in range(100)]


@pytest.mark.parametrize(
    "error", [ParseError("odd", "reply 3"), BudgetReached("no room"), Trouble("slow", "busy", 2.0)]
)
async def test_our_errors_arrive_whole(asker: End, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await asker.call("fail", error)
    assert raised.value.args == error.args
    assert vars(raised.value) == vars(error)


async def test_of_any_other_error_the_traceback_arrives(asker: End) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)in echo.*ZeroDivisionError: oh"):
        await asker.call("fail", ZeroDivisionError("oh"))


async def test_when_the_other_end_is_gone_open_and_later_calls_raise() -> None:
    end = End(echo)
    open_ = asyncio.ensure_future(end.call("say"))
    await asyncio.sleep(0)
    end.hang_up(ParseError("gone"))
    for call in (open_, end.call("say")):
        with pytest.raises(ParseError, match="gone"):
            await call


async def test_a_reply_to_a_call_given_up_is_passed_over() -> None:
    end = End(echo)
    call = asyncio.ensure_future(end.call("say"))
    await asyncio.sleep(0)
    (letter,) = await end.outgoing()
    assert isinstance(letter, Call)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    end.receive([Reply(letter.number, "late", None), Reply(99, "never asked", None)])


async def test_letters_wait_until_they_are_fetched_and_go_once() -> None:
    end = End(echo)
    end.receive([Call(7, "say", ("one",)), Call(8, "say", ("two",))])
    await asyncio.sleep(0.01)
    assert sorted(letter.number for letter in await end.outgoing()) == [7, 8]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(end.outgoing(), 0.01)
