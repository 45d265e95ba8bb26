"""How much an evaluation has to read and to ask, before it does."""

from collections.abc import Sequence
from functools import cache
from itertools import islice
from statistics import fmean
from typing import Any

from openbezoar.evaluations.task_files import measured_rows
from openbezoar.families import Expected, Flow, Reading, answer_of, tokens_of
from openbezoar.ranges import Range, exactly, total

__all__ = ["likelihoods_of", "questions_of", "task_of", "total_of"]

AROUND = Range(low=0.6, likely=1, high=1.5)
"""How far a token count made of bytes may be off."""
TEMPLATE = 25
"""Tokens that a chat template adds to a conversation."""


def likelihoods_of(flow: Flow, limit: int | None, most: int, answers: int) -> Reading:
    """Rows whose answers' likelihoods are measured, each row with so many answers."""
    rows = flow.held_out
    if rows is None:
        return Reading(rows=None, tokens=None)
    rows = rows if limit is None else rows.at_most(limit)
    if flow.length is None:
        return Reading(rows=rows, tokens=None)
    each = flow.length.asked + flow.length.answered * answers + exactly(TEMPLATE)
    return Reading(rows=rows, tokens=rows * each.at_most(most * answers))


def questions_of(texts: list[float], longest: int) -> Expected:
    """Questions of so many tokens each put to a model, all earlier turns before each."""
    count = exactly(len(texts))
    tokens_in = AROUND * sum(texts) + exactly(TEMPLATE) * count
    return Expected(count, tokens_in, answer_of(longest) * count)


def task_of(name: str, limit: int | None) -> Reading:
    """A task whose rows are here; unknown where they are not."""
    found = _looked_at(name, limit)
    if found is None:
        return Reading(rows=None, tokens=None)
    count, each = found
    return Reading(rows=exactly(count), tokens=AROUND * (count * each))


def total_of(readings: Sequence[Reading]) -> Reading:
    """The rows and tokens of all of them together."""
    rows = total([one.rows for one in readings])
    return Reading(rows=rows, tokens=total([one.tokens for one in readings]))


@cache
def _looked_at(name: str, limit: int | None) -> tuple[int, float] | None:
    """How many rows there are, and the tokens that the first of them take with each choice."""
    rows = measured_rows(name)
    if rows is None:
        return None
    kept = [_tokens(row) if place < 200 else 0.0 for place, row in enumerate(islice(rows, limit))]
    return (len(kept), fmean(kept[:200])) if kept else (0, 0.0)


def _tokens(row: dict[str, Any]) -> float:
    """The question is read once for each choice."""
    lists = [value for value in _values(row) if isinstance(value, list)]
    choices = max((len(value) for value in lists), default=2)
    texts = [value for value in _values(row) if isinstance(value, str)]
    shared = sum(tokens_of(text) for text in texts)
    own = sum(tokens_of(str(value)) for one in lists for value in one)
    return choices * shared + own


def _values(row: dict[str, Any]) -> list[Any]:
    below = [value for value in row.values() if isinstance(value, dict)]
    return [*row.values(), *(value for one in below for value in one.values())]
