"""Reference answers that can be trusted: those known to be wrong, our own, and a check."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from openbezoar import jsonl

__all__ = ["FILE", "FOUND_WRONG", "WRONG", "References", "is_right", "own", "vetted"]

References = Literal["vetted", "classic", "judge", "none"]
FILE = Path(__file__).with_name("references.jsonl")
"""Our own answers, and for what can be computed a pattern that a right answer matches."""
WRONG = frozenset({104, 105, 109, 111, 113, 114, 120, 122, 124, 125, 126, 128, 130})
"""MT-Bench questions whose GPT-4 reference is wrong in some turn (FastChat pull request 3158)."""
FOUND_WRONG = frozenset({107, 127})
"""Two more, found by computing: 107 counts a generation too many, 127 takes a method that fails."""

Turns = tuple[str, ...]


class OwnReference(BaseModel):
    """One line of our file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: int
    turns: Turns = ()
    """Our own answers; none where the published ones are right."""
    results: tuple[str, ...] = ()
    """By turn, a regular expression found in every right answer; empty where none can be given."""


def vetted(published: Mapping[int | str, Turns]) -> dict[int | str, Turns]:
    """The published references with our own in place of the wrong ones."""
    ours: dict[int | str, Turns] = {
        number: own(number) for number in WRONG | FOUND_WRONG if number in published
    }
    return {**published, **ours}


def own(question: int) -> Turns:
    """Our own answers to a question; empty where we wrote none."""
    found = _own().get(question)
    return found.turns if found else ()


def is_right(question: int | str, turn: int, answer: str) -> bool | None:
    """Whether an answer has the result that can be computed; None where nothing can be said.

    Turns are counted from 0. A right answer in unforeseen words may be taken for a wrong one.
    """
    found = _own().get(question) if isinstance(question, int) else None
    if found is None or turn >= len(found.results) or not found.results[turn]:
        return None
    plain = re.sub(r"[*_`$\\,]", "", answer)
    return re.search(found.results[turn], plain, re.I) is not None


@cache
def _own() -> dict[int | str, OwnReference]:
    return {one.question_id: one for one in jsonl.read(FILE, OwnReference)}
