"""MT-Bench by category: what each model was rated for writing, for mathematics and so on."""

import re
from typing import NamedTuple

from openbezoar.records import Score
from openbezoar.report.ledger import Column, Ledger

__all__ = ["Ratings", "ratings"]

OTHERS = re.compile(r"turn_\d+|length|judges_.*")
"""What MT-Bench measures beside its categories."""
PREFIX = "mt_bench."


class Ratings(NamedTuple):
    """One model's ratings."""

    column: Column
    scores: dict[str, Score]
    """By category, in the order in which the categories were first met."""


def ratings(book: Ledger) -> list[Ratings]:
    """The ratings of every model that MT-Bench was asked of; none where no category was rated."""
    lines = {
        line.metric.removeprefix(PREFIX): line.scores
        for line in book.lines
        if line.metric.startswith(PREFIX) and not OTHERS.fullmatch(line.metric.removeprefix(PREFIX))
    }
    found = [
        Ratings(column, {name: score for name, scores in lines.items() if (score := scores[place])})
        for place, column in enumerate(book.columns)
    ]
    return [rated for rated in found if rated.scores]
