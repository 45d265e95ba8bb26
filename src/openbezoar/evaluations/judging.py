"""How an answer is put before a judge, and how the rating in the judge's reply is read."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import JsonValue

from openbezoar import prompts
from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.records import Message

__all__ = [
    "Exchange",
    "Judgment",
    "Rating",
    "Verdict",
    "grade",
    "grade_as_json",
    "harmless",
    "question_for",
    "read_json_rating",
    "read_rating",
]

LOWEST, HIGHEST = 1, 10
Verdict = Literal["brackets", "json"]
JSON_VERDICT: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"rating": {"enum": list(range(LOWEST, HIGHEST + 1))}},
    "required": ["rating"],
    "additionalProperties": False,
}
PROMPT, REPAIR = "mt_bench_grade", "mt_bench_repair"

_VERDICT = re.compile(r"\[\[([^\[\]]*)\]\]")
_NUMBER = re.compile(r"[-+\u2212]?\d+(?:\.\d+)?")
_TAG = re.compile(r"<(?=\s*/?\s*(?:user-question|assistant-answer|reference-answer)\b)", re.I)


class Rating(NamedTuple):
    """What a judge's reply says; without a value, why not, and whether asking again may help."""

    value: float | None
    reason: str = ""
    ask_again: bool = False


@dataclass(frozen=True)
class Exchange:
    """One turn: what was asked, what the assistant said, and an answer known to be good."""

    question: str
    answer: str
    reference: str = ""


@dataclass(frozen=True)
class Judgment:
    """A judge's rating with all it said, one reply or two."""

    rating: Rating
    replies: tuple[str, ...]


def question_for(exchanges: Sequence[Exchange], verdict: Verdict = "brackets") -> str:
    """The prompt that asks for a rating of the last answer."""
    turns = [
        {name: harmless(text) for name, text in vars(exchange).items()} for exchange in exchanges
    ]
    return prompts.render(PROMPT, turns=turns, as_json=verdict == "json")


def harmless(text: str) -> str:
    """The text unable to close its tags or to hold what would read as a rating."""
    text = _TAG.sub("\u2039", text)
    return re.sub(r"\[(?=\[)", "[ ", re.sub(r"\](?=\])", "] ", text))


def read_rating(reply: str) -> Rating:
    """The last `[[n]]` in a reply; never a guess.

    >>> read_rating("You asked for [[5]]. Rating: [[2]]").value
    2.0
    """
    found = _VERDICT.findall(reply)
    if not found:
        return Rating(None, "no rating", ask_again=True)
    if not _NUMBER.fullmatch(found[-1]):
        return Rating(None, "rating not a number", ask_again=True)
    value = float(found[-1].replace("\u2212", "-"))
    if not LOWEST <= value <= HIGHEST:
        return Rating(None, "rating out of range")
    return Rating(value)


def read_json_rating(reply: str) -> Rating:
    """The rating of a reply that the server held to `JSON_VERDICT`; never a guess."""
    try:
        value = json.loads(reply)["rating"]
    except (ValueError, KeyError, TypeError):
        return Rating(None, "no rating")
    if type(value) is not int or not LOWEST <= value <= HIGHEST:
        return Rating(None, "rating out of range")
    return Rating(value)


async def grade_as_json(
    exchanges: Sequence[Exchange], judge: ChatModel, max_tokens: int, seed: int
) -> Judgment:
    """Ask for the bare rating, in a form that the server enforces."""
    request = Request(
        messages=(Message(role="user", content=question_for(exchanges, "json")),),
        sampling=Sampling(temperature=0, top_p=1, max_tokens=max_tokens),
        json_schema=JSON_VERDICT,
        seed=seed,
    )
    reply = (await judge.complete(request)).text
    return Judgment(read_json_rating(reply), (reply,))


async def grade(
    exchanges: Sequence[Exchange], judge: ChatModel, max_tokens: int, seed: int
) -> Judgment:
    """Ask for a rating of the last answer, once more when the first reply has none."""
    prompt = question_for(exchanges)
    asked: tuple[Message, ...] = (Message(role="user", content=prompt),)
    sampling = Sampling(temperature=0, top_p=1, max_tokens=max_tokens)
    first = await judge.complete(Request(messages=asked, sampling=sampling, seed=seed))
    rating = read_rating(first.text)
    if not rating.ask_again:
        return Judgment(rating, (first.text,))
    asked = _with_repair(prompt, first.text, prompts.render(REPAIR))
    again = Request(messages=asked, sampling=sampling, seed=seed, attempt=1)
    try:
        second = await judge.complete(again)
    except ParseError as error:
        return Judgment(Rating(None, error.reason), (first.text,))
    return Judgment(read_rating(second.text), (first.text, second.text))


def _with_repair(prompt: str, reply: str, repair: str) -> tuple[Message, ...]:
    """The conversation up to the request for a rating; an empty reply has no turn of its own."""
    if not reply.strip():
        return (Message(role="user", content=f"{prompt}\n\n{repair}"),)
    return (
        Message(role="user", content=prompt),
        Message(role="assistant", content=reply),
        Message(role="user", content=repair),
    )
