"""Evol-Instruct's operations, how they are drawn, and how an evolved prompt is read."""

import random
import re
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

__all__ = [
    "IN_BREADTH",
    "IN_DEPTH",
    "MARKERS",
    "OPERATIONS",
    "TAGS",
    "Evolved",
    "Step",
    "draw_for_pool",
    "draw_for_row",
    "first_bytes",
    "first_tokens",
    "read_evolved",
]

IN_DEPTH: Literal["in-depth-evolving"] = "in-depth-evolving"
IN_BREADTH: Literal["in-breadth-evolving"] = "in-breadth-evolving"

OPERATIONS = ("add-constraints", "deepening", "concretizing", "increase-reasoning-steps")
"""The in-depth operations of the paper's authors; WizardLM's paper adds `complicate-input`."""

MARKERS = re.compile(
    r"#+[ \t]*(?:the[ \t]+)?(?P<name>given|rewritten|created)[ \t]+prompt[ \t]*#*", re.IGNORECASE
)
"""The headings that divide a prompt and its evolution, as teachers spell them."""

TAGS = re.compile(r"</?(?:first|second)_prompt>", re.IGNORECASE)
"""The tags around two prompts to compare."""

BYTES_PER_TOKEN = 4
LONG_TOKEN = 8
"""Characters that most tokens do not reach: more of a long text need not be counted at first."""


class Step(NamedTuple):
    """What one epoch does to a prompt; in breadth there is no operation."""

    strategy: str
    operation: str | None


class Evolved(NamedTuple):
    """An evolved prompt, or the reason why there is none."""

    text: str
    reason: str = ""


def draw_for_pool(stream: random.Random) -> Step:
    """One step for a whole pool: the strategy first, then one of four operations in depth."""
    if stream.choice((IN_DEPTH, IN_BREADTH)) == IN_BREADTH:
        return Step(IN_BREADTH, None)
    return Step(IN_DEPTH, stream.choice(OPERATIONS))


def draw_for_row(stream: random.Random) -> Step:
    """One step for a row, uniform over five operations in depth and the one in breadth."""
    operation = stream.choice((*OPERATIONS, "complicate-input", None))
    return Step(IN_DEPTH if operation else IN_BREADTH, operation)


def read_evolved(reply: str | None) -> Evolved:
    """The text after the first heading that has some, without lead-in and quotation marks."""
    text = (reply or "").replace("<|endoftext|>", "").strip()
    if not text:
        return Evolved("", "empty evolution")
    text = _LEAD_IN.sub("", _after_heading(text)).strip()
    if len(text) > 1 and (text[0], text[-1]) in _QUOTES and not set(text[1:-1]) & set('"“”'):
        text = text[1:-1].strip()
    return Evolved(text) if text else Evolved("", "nothing but a marker")


async def first_tokens(text: str, limit: int, count: Callable[[str], Awaitable[int]]) -> str:
    """The beginning of a text of at most `limit` tokens; one more character would be too many."""
    fits, ends = 0, min(len(text), limit * LONG_TOKEN)
    while await count(text[:ends]) <= limit:
        if ends == len(text):
            return text
        fits, ends = ends, min(len(text), 2 * ends)
    while ends - fits > 1:
        middle = (fits + ends) // 2
        if await count(text[:middle]) <= limit:
            fits = middle
        else:
            ends = middle
    return text[:fits]


def first_bytes(text: str, tokens: int) -> str:
    """The beginning of a text, each token taken for four bytes; whole characters only."""
    return text.encode()[: tokens * BYTES_PER_TOKEN].decode(errors="ignore")


def _after_heading(text: str) -> str:
    headings = [found for found in MARKERS.finditer(text) if found["name"].lower() != "given"]
    if not headings:
        return text
    return next(filter(None, (_section(text, found.end()) for found in headings)), "")


def _section(text: str, start: int) -> str:
    """What stands between a heading and the next."""
    following = MARKERS.search(text, start)
    return text[start : following.start() if following else None].strip(" \t\n\r:*")


_QUOTES = {('"', '"'), ("“", "”")}
_LEAD_IN = re.compile(
    r"\A(?:(?:sure|certainly|of course|okay)[^\n]{0,40}?[,.!:]\s*)?"
    r"(?:here(?:'s|\u2019s| is| are)[^\n:]{0,100}:[ \t]*\n+|\Z)",
    re.IGNORECASE,
)
