"""Requests are spread over copies of a model."""

import asyncio

import pytest

from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Piece, Request
from openbezoar.models.beside import Beside
from openbezoar.models.scripted import ScriptedModel, complete_with
from openbezoar.records import Completion, Message

ASKED = Request(messages=(Message(role="user", content="Why?"),))


class Slow(ChatModel):
    """Answers with its name once it is let."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.may = asyncio.Event()

    async def complete(self, request: Request) -> Completion:
        await self.may.wait()
        return complete_with(self.name, request)


async def test_the_least_busy_copy_answers() -> None:
    first, second = Slow("first"), Slow("second")
    model = Beside([first, second])
    second.may.set()
    waiting = asyncio.create_task(model.complete(ASKED))
    await asyncio.sleep(0)
    assert [(await model.complete(ASKED)).text for _ in range(3)] == ["second"] * 3
    first.may.set()
    assert (await waiting).text == "first"
    assert (await model.complete(ASKED)).text == "first"


async def test_a_later_turn_goes_to_the_copy_that_knows_the_conversation() -> None:
    first, second = Slow("first"), Slow("second")
    model = Beside([first, second])
    first.may.set()
    began = await model.complete(ASKED)
    answer = Message(role="assistant", content=began.text)
    later = Request(messages=(*ASKED.messages, answer, Message(role="user", content="And?")))
    first.may.clear()
    waiting = asyncio.create_task(
        model.complete(Request(messages=(Message(role="user", content="Other?"),)))
    )
    await asyncio.sleep(0)
    first.may.set()
    assert (await model.complete(later)).text == "first"
    assert (await waiting).text == "first"


async def test_a_copy_that_failed_is_free_again() -> None:
    def fail(request: Request) -> str:
        raise ParseError("refused")

    failing, sound = ScriptedModel(fail), ScriptedModel(lambda request: "Yes.")
    model = Beside([failing, sound])
    for _ in range(2):
        with pytest.raises(ParseError):
            await model.complete(ASKED)
    assert (len(failing.requests), len(sound.requests)) == (2, 0)


async def test_copies_stream_and_count_as_one() -> None:
    model = Beside([ScriptedModel(lambda request: "So it is.")] * 2)
    assert [piece async for piece in model.stream(ASKED)] == [Piece("So it is.", "stop")]
    assert await model.count_tokens("one two") == 2
    assert (model.name, model.shapes) == ("scripted", True)


async def test_a_request_without_a_users_message_is_answered_too() -> None:
    first, second = Slow("first"), Slow("second")
    for copy in (first, second):
        copy.may.set()
    request = Request(messages=(Message(role="system", content="Say something."),))
    assert (await Beside([first, second]).complete(request)).text == "first"
