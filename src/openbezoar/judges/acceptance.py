"""The human proxy: a strong model accepts or rejects an example, with a rating and a reason."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import JsonValue, PositiveInt

from openbezoar import prompts
from openbezoar.families import ChatModel, Judge, Request, Sampling
from openbezoar.records import Example, Grade, Message

__all__ = ["Acceptance", "read"]

PROMPT = "judge_acceptance"
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "rating": {"type": "integer", "minimum": 1, "maximum": 10},
        "status": {"type": "string", "enum": ["Accept", "Reject"]},
    },
    "required": ["reason", "rating", "status"],
    "additionalProperties": False,
}
STATUSES: dict[str, Literal["Accept", "Reject"]] = {"accept": "Accept", "reject": "Reject"}

_TAG = re.compile(r"<(?=[^\w<>]{0,8}(?:system|user|assistant|answer|target)\b)", re.IGNORECASE)
_VERDICT = re.compile(r"(?<=\")(?=status\")|(?<=\\)(?=u00)")
_AROUND = " \t\r\n.!*_\"'`\u200b\u200c\u200d\ufeff"


class Acceptance(Judge):
    """Asks a model for status, rating and reason; asks once more when the reply is unreadable.

    A model that can be held to a JSON schema is; of another one's reply the last verdict counts.
    Where a row's scheme is `orca`, the answer must also agree with the known result.
    """

    kind: Literal["acceptance"] = "acceptance"
    model: str
    """The name of the model that judges."""
    max_tokens: PositiveInt = 400
    """The longest verdict."""

    def evidence(self) -> JsonValue:
        """The wording of its prompt."""
        return prompts.fingerprint(PROMPT)

    async def grade(self, row: Example, model: ChatModel) -> Grade:
        """Grade one example; a Grade without status when both replies are unreadable."""
        asked = Message(role="user", content=render(row))
        for attempt in (0, 1):
            # A greedy model would repeat an unreadable reply word for word.
            sampling = Sampling(temperature=0.7 * attempt, top_p=1, max_tokens=self.max_tokens)
            schema = SCHEMA if model.shapes else None
            request = Request(
                messages=(asked,), sampling=sampling, json_schema=schema, attempt=attempt
            )
            grade = read((await model.complete(request)).text)
            if grade.status is not None:
                return grade
        return Grade()


def render(row: Example) -> str:
    """The question about one example; its text can neither close a tag nor hold a verdict."""
    turns = [turn.model_dump() | {"content": _plain(turn.content)} for turn in row.messages[:-1]]
    # Elsewhere a target is one good answer of many, such as a poem; in Orca it is the result.
    target = row.target if row.scheme == "orca" else None
    return prompts.render(
        PROMPT, turns=turns, answer=_plain(row.answer), target=_plain(target or "")
    )


def read(reply: str) -> Grade:
    """The last verdict in a reply; an empty Grade when there is none or it is off the scale."""
    verdicts = [found for found in _objects(reply) if "status" in found]
    if not verdicts:
        return Grade()
    last = verdicts[-1]
    status, rating, reason = last["status"], last.get("rating"), last.get("reason")
    decided = STATUSES.get(status.strip(_AROUND).lower()) if isinstance(status, str) else None
    if decided is None or not _is_rating(rating):
        return Grade()
    # JSON can hold half a letter, which no file can.
    told = reason.encode(errors="replace").decode() if isinstance(reason, str) else None
    return Grade(status=decided, rating=rating, reason=told)


def _plain(text: str) -> str:
    """The text as the judge may quote it: a verdict in it is none when it is read back."""
    return _VERDICT.sub(" ", _TAG.sub("(", text))


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in the reply, the outermost that has a status where they are nested."""
    decoder = json.JSONDecoder()
    start = reply.find("{")
    while start != -1:
        after = start + 1
        try:
            found, end = decoder.raw_decode(reply, start)
        except (ValueError, RecursionError):
            found = {}
        if "status" in found:
            after = end
            yield found
        start = reply.find("{", after)


def _is_rating(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 10
