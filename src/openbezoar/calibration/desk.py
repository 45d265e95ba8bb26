"""The rows to label, one at a time and blind to any verdict, as terminal and page show them."""

from collections.abc import Sequence
from typing import NamedTuple

from openbezoar.calibration.labels import Answer, Labels
from openbezoar.records import Example
from openbezoar.shelf import visible

__all__ = ["Desk", "View"]


class View(NamedTuple):
    """What a person sees: a row and how far they are; no row once all have an answer."""

    stage: str
    total: int
    answered: int
    place: int | None
    """The row's place, from 0."""
    row: str
    answer: Answer | None
    """What was said of it before."""
    texts: list[tuple[str, str]]
    """The row's texts by name, control characters made visible."""


class Desk:
    """Rows in a fixed order and the labels that they have so far."""

    def __init__(self, stage: str, rows: Sequence[Example], labels: Labels) -> None:
        self.rows = rows
        self._stage = stage
        self._labels = labels
        self._places = {row.id: place for place, row in enumerate(rows)}

    def view(self, place: int | None) -> View:
        """The row at a place."""
        answered = sum(self._labels.of(row) is not None for row in self.rows)
        head = (self._stage, len(self.rows), answered, place)
        if place is None:
            return View(*head, "", None, [])
        row = self.rows[place]
        return View(*head, visible(row.id), self._labels.of(row), _texts(row))

    def next_open(self, after: int = -1) -> int | None:
        """The next row without an answer, from the start again at the end; None when all have."""
        order = [*range(after + 1, len(self.rows)), *range(min(after + 1, len(self.rows)))]
        return next((place for place in order if self._labels.of(self.rows[place]) is None), None)

    def answer(self, place: int, answer: Answer) -> int | None:
        """Save what is said of a row, and give the next one."""
        self._labels.put(self.rows[place], answer)
        return self.next_open(place)

    def undo(self, place: int | None) -> int | None:
        """Take back the last answer and give its row; the same place when it is not on the desk."""
        row = self._labels.undo()
        return self._places.get(row, place) if row is not None else place

    def beside(self, place: int | None, step: int) -> int | None:
        """The place one step away, within the desk; from the end, the last row."""
        last = len(self.rows) - 1
        if place is None:
            return last if step < 0 else None
        return max(0, min(last, place + step))


def _texts(row: Example) -> list[tuple[str, str]]:
    turns = [("system" if m.role == "system" else m.role, m.content) for m in row.messages]
    named = [*turns[:-1], ("answer", row.answer)]
    if row.target:
        named.append(("known right answer", row.target))
    return [(name, visible(text.replace("\r\n", "\n"))) for name, text in named]
