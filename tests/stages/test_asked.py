"""What a teacher is asked is written down in order, refusals included."""

import pytest

from openbezoar.errors import ParseError
from openbezoar.families import Request
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Message
from openbezoar.stages.asked import HeardModel, WatchedModel


def request(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),))


async def test_exchanges_stand_in_the_order_of_the_answers() -> None:
    heard = HeardModel(ScriptedModel(lambda asked: asked.messages[0].content.upper()))
    assert heard.name == "scripted"
    for text in ("one", "two"):
        await heard.complete(request(text))
    assert [exchange.answer.text for exchange in heard.exchanges if exchange.answer] == [
        "ONE",
        "TWO",
    ]
    assert [exchange.request for exchange in heard.exchanges] == [request("one"), request("two")]


async def test_a_refused_request_is_kept_with_its_reason() -> None:
    def refuse(asked: Request) -> str:
        raise ParseError("refused by the server", "too long")

    watched = WatchedModel(ScriptedModel(refuse))
    heard = HeardModel(watched)
    with pytest.raises(ParseError):
        await heard.complete(request("one"))
    (exchange,) = heard.exchanges
    assert (exchange.answer, exchange.error) == (None, "refused by the server: too long")
    assert watched.in_flight == 0


async def test_a_count_is_no_exchange() -> None:
    watched = WatchedModel(ScriptedModel(lambda asked: "yes"))
    heard = HeardModel(watched)
    assert await heard.count_tokens("three words here") == 3
    assert heard.exchanges == []


async def test_a_waiting_request_is_in_flight() -> None:
    seen: list[int] = []

    def answer(asked: Request) -> str:
        seen.append(watched.in_flight)
        return "yes"

    watched = WatchedModel(ScriptedModel(answer))
    await watched.complete(request("one"))
    assert (seen, watched.in_flight) == ([1], 0)
