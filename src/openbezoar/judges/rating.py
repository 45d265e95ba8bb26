"""Reads the rating from 1 to 10 in a judge's reply."""

import json
import re
from typing import Literal

from pydantic import JsonValue

from openbezoar import prompts
from openbezoar.judges.verdicts import Form, Reading

__all__ = [
    "HIGHEST",
    "LOWEST",
    "REPAIR",
    "RatingForm",
    "form_of",
    "read_classic_rating",
    "read_json_rating",
    "read_rating",
]

LOWEST, HIGHEST = 1, 10
REPAIR = "mt_bench_repair"
RatingForm = Literal["brackets", "json", "classic"]
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"rating": {"enum": list(range(LOWEST, HIGHEST + 1))}},
    "required": ["rating"],
    "additionalProperties": False,
}

_VERDICT = re.compile(r"\[\[([^\[\]]*)\]\]")
_NUMBER = re.compile(r"[-+\u2212]?\d+(?:\.\d+)?")
_CLASSIC = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))


def form_of(verdict: RatingForm) -> Form[float]:
    """How a rating in this form is read and asked for."""
    match verdict:
        case "brackets":
            return Form(read_rating, prompts.render(REPAIR))
        case "json":
            return Form(read_json_rating, json_schema=SCHEMA)
        case "classic":
            return Form(read_classic_rating)


def read_rating(reply: str) -> Reading[float]:
    """The last `[[n]]` in a reply; never a guess.

    >>> read_rating("You asked for [[5]]. Rating: [[2]]").value
    2.0
    """
    found = _VERDICT.findall(reply)
    if not found:
        return Reading(None, "no rating", ask_again=True)
    if not _NUMBER.fullmatch(found[-1]):
        return Reading(None, "rating not a number", ask_again=True)
    return _on_the_scale(float(found[-1].replace("\u2212", "-")))


def read_classic_rating(reply: str) -> Reading[float]:
    """The first `[[n]]`, else the first `[n]`, as FastChat reads it; off the scale it is missing.

    >>> read_classic_rating("You asked for [[5]]. Rating: [[2]]").value
    5.0
    """
    for pattern in _CLASSIC:
        if found := pattern.search(reply):
            return _on_the_scale(float(found[1]))
    return Reading(None, "no rating")


def read_json_rating(reply: str) -> Reading[float]:
    """The rating of a reply that the server held to the schema; never a guess."""
    try:
        value = json.loads(reply)["rating"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Reading(None, "no rating")
    if type(value) is not int:
        return Reading(None, "rating not a number")
    return _on_the_scale(value)


def _on_the_scale(value: float) -> Reading[float]:
    if not LOWEST <= value <= HIGHEST:
        return Reading(None, "rating out of range")
    return Reading(float(value))
