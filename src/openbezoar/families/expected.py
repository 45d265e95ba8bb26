"""What a part says of its work before any is done, for `bezoar plan`."""

import math
from typing import NamedTuple

from openbezoar.ranges import NOTHING, Range
from openbezoar.records import Example, Preference, Row, Seed

BYTES_PER_TOKEN = 4
"""English under a vocabulary of tens of thousands of tokens."""


class Length(NamedTuple):
    """The tokens of a row: of what is asked, and of an answer."""

    asked: Range
    answered: Range = NOTHING


class Flow(NamedTuple):
    """Rows to come: how many, and how long each is; None where nobody knows."""

    rows: Range | None
    length: Length | None = None
    valid: Range | None = None
    """Those of them that are set apart to validate, where a stage does that."""

    @property
    def held_out(self) -> Range | None:
        """The rows that an evaluation measures on."""
        return self.rows if self.valid is None else self.valid


class Expected(NamedTuple):
    """What some work asks of a model."""

    requests: Range = NOTHING
    tokens_in: Range = NOTHING
    tokens_out: Range = NOTHING
    rows: Range = NOTHING
    """The rows that come of it."""

    def times(self, by: Range) -> "Expected":
        """So much work of this kind."""
        return Expected(*(figure * by for figure in self))

    def plus(self, other: "Expected") -> "Expected":
        """Both."""
        return Expected(*(one + more for one, more in zip(self, other, strict=True)))


class Reading(NamedTuple):
    """What an evaluation puts before models."""

    asked: dict[str, Expected] = {}
    """By model; the one that is measured has no name."""
    rows: Range | None = NOTHING
    """What it measures on beside what is asked: rows, pairs, questions with choices."""
    tokens: Range | None = NOTHING
    """The tokens of all those, read once each."""


def tokens_of(text: str) -> float:
    """About how many tokens a text has."""
    return len(text.encode(errors="replace")) / BYTES_PER_TOKEN


def answer_of(longest: int) -> Range:
    """The tokens of an answer of which only the longest is known: most stop well before it.

    Supposes that answers end by themselves after a number of tokens that is distributed
    exponentially: the mean of what is left of them is mean * (1 - exp(-longest / mean)).
    """
    brief, middling = (mean * -math.expm1(-longest / mean) for mean in (40, 150))
    return Range(low=brief, likely=middling, high=longest)


def length_of(row: Row) -> tuple[float, float]:
    """About how many tokens a row asks with, and how many its answer has."""
    match row:
        case Seed():
            return tokens_of(row.prompt), tokens_of(row.target or "")
        case Example():
            return sum(tokens_of(turn.content) for turn in row.messages[:-1]), tokens_of(row.answer)
        case Preference():
            asked = sum(tokens_of(turn.content) for turn in row.prompt)
            return asked, tokens_of(row.chosen + row.rejected) / 2
    return 0.0, 0.0
