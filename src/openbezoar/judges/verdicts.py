"""Asks a judge for a verdict, once more when the first reply holds none, and never guesses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pydantic import JsonValue

from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.records import Completion, Message

__all__ = ["Asked", "Form", "Judgment", "Reading", "judge_by", "unjudged"]

Value = TypeVar("Value")
Asked = tuple[Message, ...]


class Reading(NamedTuple, Generic[Value]):
    """What a judge's reply says; without a value, why not, and whether asking again may help."""

    value: Value | None
    reason: str = ""
    ask_again: bool = False


@dataclass(frozen=True)
class Form(Generic[Value]):
    """The form of a verdict: how it is read, and how it is asked for again."""

    read: Callable[[str], Reading[Value]]
    repair: str = ""
    """The request for a verdict that can be read; empty where a judge is asked once only."""
    json_schema: dict[str, JsonValue] | None = None
    """Where given, the server is to hold replies to it."""


@dataclass(frozen=True)
class Judgment(Generic[Value]):
    """A judge's verdict with what it was asked and all it said, one reply or two."""

    reading: Reading[Value]
    asked: Asked = ()
    replies: tuple[str, ...] = ()
    detail: str = ""
    """What explains why there is no verdict, such as a server's own words."""


def unjudged(reason: str, detail: str = "") -> Judgment[Value]:
    """The judgment of what never came before the judge."""
    return Judgment(Reading(None, reason), detail=detail)


async def judge_by(
    form: Form[Value], asked: Asked, judge: ChatModel, max_tokens: int, seed: int
) -> Judgment[Value]:
    """The judge's verdict on what it is asked, at temperature 0."""
    sampling = Sampling(temperature=0, top_p=1, max_tokens=max_tokens)
    request = Request(messages=asked, sampling=sampling, json_schema=form.json_schema, seed=seed)
    try:
        first = await judge.complete(request)
    except ParseError as error:
        return _failed(error, asked)
    reading = _read(form, first)
    if not form.repair or not reading.ask_again:
        return Judgment(reading, asked, (first.text,))
    again = request.model_copy(
        update={"messages": _with_repair(asked, first.text, form.repair), "attempt": 1}
    )
    try:
        second = await judge.complete(again)
    except ParseError as error:
        return _failed(error, asked, first.text)
    return Judgment(_read(form, second), asked, (first.text, second.text))


def _failed(error: ParseError, asked: Asked, *replies: str) -> Judgment[Value]:
    return Judgment(Reading(None, f"judge: {error.reason}"), asked, replies, error.in_short)


def _read(form: Form[Value], reply: Completion) -> Reading[Value]:
    """The verdict; of a reply cut off at its longest the last one read may be a quotation."""
    if form.repair and reply.finish_reason == "length":
        return Reading(None, "reply cut off", ask_again=True)
    return form.read(reply.text)


def _with_repair(asked: Asked, reply: str, repair: str) -> Asked:
    """The conversation up to the request for a verdict; an empty reply has no turn of its own."""
    if not reply.strip():
        question = f"{asked[-1].content}\n\n{repair}"
        return (*asked[:-1], Message(role="user", content=question))
    return (
        *asked,
        Message(role="assistant", content=reply),
        Message(role="user", content=repair),
    )
