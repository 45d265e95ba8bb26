"""A row's passport as text for people."""

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

from pydantic_core import to_json

from openbezoar import shelf
from openbezoar.passport.onward import Held
from openbezoar.passport.walking import Exchange, Passport

__all__ = ["readable"]

FACT = 60
"""The longest text of a row's details that is shown whole; longer ones stand in the messages."""


def readable(found: Passport) -> str:
    """A passport as text; control characters are made visible."""
    return shelf.visible("\n".join(_told(found)))


def _told(found: Passport) -> Iterator[str]:
    yield from shelf.lines_of(found.row)
    yield from (f"another row has this id: bezoar why {quote(one)}" for one in found.namesakes)
    made = found.made
    if facts := _facts(found.row):
        yield _compact(facts)
    yield f"made by {made.stage} ({made.kind}, {made.artifact})"
    if made.teacher:
        yield f"  teacher: {_compact(made.teacher)}"
    yield f"  settings: {_compact(made.settings)}"
    for number, exchange in enumerate(made.exchanges or (), start=1):
        yield from _indented(_exchanged(number, exchange))
    if made.kind == "generate" and made.exchanges is None:
        yield "  no record of what was asked: made by an older version"
    for held in found.held:
        yield from _used(held)
    for name in found.missing:
        yield f"from {name}, which is not in this store"
    for parent in found.parents:
        yield f"from {parent.id}:"
        yield from _indented(_told(parent))


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """What the row says of its making, beside its texts."""
    texts = {"id", "instruction", "context", "target", "chosen", "rejected", "reason", "detail"}
    told = {**row, **row.get("details", {})}
    return {
        name: value
        for name, value in told.items()
        if name not in texts
        if isinstance(value, int | float) or (isinstance(value, str) and 0 < len(value) <= FACT)
    }


def _exchanged(number: int, exchange: Exchange) -> Iterator[str]:
    request = exchange.request
    asked = {name: request[name] for name in ("sampling", "seed", "json_schema") if request[name]}
    yield f"request {number}, attempt {request['attempt']}: {_compact(asked)}"
    yield from _indented(f"{turn['role']}: {turn['content']}" for turn in request["messages"])
    if exchange.answer is None:
        yield f"  no answer: {exchange.error}"
    else:
        yield from _indented(
            [f"answer ({exchange.answer['finish_reason']}): {exchange.answer['text']}"]
        )


def _used(held: Held) -> Iterator[str]:
    yield f"{held.stage} ({held.kind}, {held.artifact}): {held.what}" + (
        f" ({held.reason})" if held.reason else ""
    )
    if held.grade:
        yield f"  grade: {_compact(held.grade)}"
    yield from (f"  {name}" for name in held.rows)


def _indented(parts: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for part in parts for line in part.split("\n"))


def _compact(value: Any) -> str:
    return to_json(value).decode()
