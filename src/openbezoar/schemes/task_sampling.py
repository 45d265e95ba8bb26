"""Orca's way to sample FLAN: a random task, then a random row of it, never the same row twice."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

__all__ = ["sample_tasks"]

Row = TypeVar("Row")
Value = TypeVar("Value")
Task = tuple[str, str]


def sample_tasks(
    rows: Iterable[tuple[Task, Row]],
    caps: Mapping[str, int] | int,
    stream: random.Random,
) -> Iterator[Row]:
    """Yield rows until every task is empty or at its cap; a task is (sub-collection, name).

    The caps hold for each task: one for all, or by sub-collection.
    """
    left: dict[Task, list[Row]] = defaultdict(list)
    for task, row in rows:
        left[task].append(row)
    allowed = {task: min(len(waiting), _cap(task, caps)) for task, waiting in left.items()}
    tasks = [task for task in left if allowed[task]]
    while tasks:
        place = stream.randrange(len(tasks))
        task = tasks[place]
        yield _take_at(left[task], stream.randrange(len(left[task])))
        allowed[task] -= 1
        if not allowed[task]:
            _take_at(tasks, place)


def _cap(task: Task, caps: Mapping[str, int] | int) -> int:
    unlimited = 2**63
    return caps if isinstance(caps, int) else caps.get(task[0], unlimited)


def _take_at(values: list[Value], place: int) -> Value:
    """Remove in constant time, by moving the last value into the gap."""
    values[place], values[-1] = values[-1], values[place]
    return values.pop()
