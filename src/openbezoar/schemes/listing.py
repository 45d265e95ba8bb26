"""Reads a list of instructions out of a teacher's reply, however sloppily it was written."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MARKERS", "Item", "read_array", "read_marked"]

MARKERS = re.compile(r"<\s*(?P<end>[/\\]?)\s*examples?\s*\d*\s*>", re.IGNORECASE)
"""The label around one instruction, `<example>` or `</example>`, as teachers spell it."""

CUT_SHORT = "cut by the token limit"
OUTSIDE = "text outside the markers"


class Item(NamedTuple):
    """One candidate of a reply: an instruction, or what was dropped with its reason."""

    text: str
    reason: str = ""


def read_marked(reply: str, cut: bool = False) -> list[Item]:
    """The items between `<example>` labels, or of a numbered or bulleted list without labels."""
    if MARKERS.search(reply):
        return [_cleaned(item) for item in _between_markers(reply, cut)]
    return [_cleaned(item) for item in _lines(reply, cut)]


def read_array(reply: str, cut: bool = False) -> list[Item]:
    """The strings of the first JSON array; those before a break are kept, the broken one is not."""
    start = reply.find("[")
    if start < 0 and not reply.strip():
        return []
    if start < 0:
        return [Item(reply.strip(), CUT_SHORT if cut else "no list in the reply")]
    return [_cleaned(item) for item in _elements(reply, start + 1, cut)]


def _between_markers(reply: str, cut: bool) -> Iterator[Item]:
    places = list(MARKERS.finditer(reply))
    starts = [0, *(place.end() for place in places)]
    ends = [*(place.start() for place in places), len(reply)]
    opened = False
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        text = reply[start:end].strip()
        last = number == len(places)
        closed = not last and bool(places[number]["end"])
        if opened and closed and not text:
            yield Item("", "empty")
        elif text and (opened or closed):
            yield from _unclosed(text, last and cut) if not closed else [Item(text)]
        elif any(map(str.isalpha, text)):
            yield Item(text, OUTSIDE)
        opened = not last and not places[number]["end"]


def _unclosed(text: str, cut: bool) -> Iterator[Item]:
    """Behind a label without an end stand one line, or several numbered ones, then chatter."""
    first, _, rest = text.partition("\n")
    if _BULLET.match(first) and any(map(_BULLET.match, rest.splitlines())):
        yield from _lines(text, cut)
    elif not rest.strip() or first.rstrip().endswith(":"):
        yield Item(text, CUT_SHORT if cut else "")
    else:
        yield Item(first)
        yield Item(rest.strip(), CUT_SHORT if cut else OUTSIDE)


def _lines(reply: str, cut: bool) -> Iterator[Item]:
    lines = [line for line in reply.splitlines() if line.strip()]
    groups = _bulleted(lines) if any(map(_BULLET.match, lines)) else [Item(line) for line in lines]
    for place, item in enumerate(groups):
        if cut and place == len(groups) - 1:
            yield Item(item.text, CUT_SHORT)
        elif not item.reason and item.text.rstrip().endswith(":") and _LEAD_IN.match(item.text):
            yield Item(item.text, OUTSIDE)
        else:
            yield item


def _bulleted(lines: list[str]) -> list[Item]:
    """A line without a bullet continues the item above it; before the first one it is chatter."""
    items: list[Item] = []
    for line in lines:
        if _BULLET.match(line):
            items.append(Item(line))
        elif items and not items[-1].reason:
            items[-1] = Item(f"{items[-1].text}\n{line}")
        else:
            items.append(Item(line, OUTSIDE))
    return items


def _elements(reply: str, place: int, cut: bool) -> Iterator[Item]:
    decoder = json.JSONDecoder(strict=False)
    while True:
        gap = _GAP.match(reply, place)
        place = gap.end() if gap else place
        if reply[place : place + 1] == "]":
            return
        try:
            value, place = decoder.raw_decode(reply, place)
        except (ValueError, RecursionError):
            yield Item(reply[place:].strip(), CUT_SHORT if cut else "broken JSON")
            return
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value.values()))
        yield Item(value) if isinstance(value, str) else Item(json.dumps(value), "not a string")


def _cleaned(item: Item) -> Item:
    if item.reason:
        return item
    text = _LABEL.sub("", _BULLET.sub("", _PARTIAL.sub("", item.text.strip())))
    question = _ANSWER.split(f"\n{text}", maxsplit=1)[0].strip()
    if not question:
        return Item(item.text.strip(), "an answer, not an instruction" if text.strip() else "empty")
    return Item(_unwrapped(_LABEL.sub("", question)))


def _unwrapped(text: str) -> str:
    for left, right in (("**", "**"), ('"', '"'), ("“", "”")):
        inner = text[len(left) : -len(right)]
        if text.startswith(left) and text.endswith(right) and inner and left not in inner:
            text = inner.strip() or text
    return text


_BULLET = re.compile(
    r"\A\s*(?:\(?\d{1,3}[.):]|(?:#+\s*)?example\s+\d{1,3}\s*[.:)]|[-*•\u2013](?!\*))\s+", re.I
)
_PARTIAL = re.compile(r"\s*<\s*[/\\]?\s*(?:e\w*)?\Z", re.I)
"""A label that the reply broke off."""
_GAP = re.compile(r"[\s,]*")
_LABEL = re.compile(
    r"\A\s*(?:\*\*)?(?:instruction|question|task|prompt)(?:\s*\d+)?(?:\*\*)?:(?:\*\*)?\s*", re.I
)
_LEAD_IN = re.compile(r"\s*(?:sure|certainly|of course|okay|ok|here|below|the following)\b", re.I)
_ANSWER = re.compile(
    r"(?:\n\s*|(?<=[.?!])\s+)(?:#+\s*|\*\*|[<\[])?(?:the\s+)?(?:answer|response|output|solution)\s*\d*[>\]]?\**\s*:",
    re.I,
)
"""An answer begins at the start of a line or after a sentence, never in the middle of one."""
