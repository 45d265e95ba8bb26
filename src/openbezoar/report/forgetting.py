"""What each train stage left behind: the loss on every lesson so far, and how it answers."""

from collections.abc import Sequence
from typing import NamedTuple

from openbezoar.report.courses import Course
from openbezoar.report.numbers import AnswerNumbers, Loss

__all__ = ["Forgetting", "Line", "forgetting"]


class Line(NamedTuple):
    """One train stage."""

    stage: str
    losses: list[Loss | None]
    """By lesson; nothing where the lesson was still to come."""
    answers: AnswerNumbers


class Forgetting(NamedTuple):
    """The table."""

    lessons: list[str]
    """The data sets, in the order in which they were learned."""
    lines: list[Line]


def forgetting(courses: Sequence[Course]) -> Forgetting:
    """The ledgers of all train stages that kept one."""
    kept = [(course.name, found) for course in courses if (found := course.numbers.ledger)]
    lessons = list(dict.fromkeys(data for _, ledger in kept for data in ledger.losses))
    return Forgetting(
        lessons,
        [
            Line(name, [ledger.losses.get(data) for data in lessons], ledger.answers)
            for name, ledger in kept
        ],
    )
