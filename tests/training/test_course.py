"""Every epoch visits each row once; processes share the rows of a step and name their own."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.course import Course, Place, micro_batches, named, weight
from openbezoar.training.format import Encoded
from tests.training.conftest import Rows


def row(length: int) -> tuple[Encoded, ...]:
    return (Encoded(list(range(length)), [False] + [True] * (length - 1)),)


def test_an_epoch_visits_every_row_once_in_an_order_of_its_own(
    course: Callable[..., Course], rows: Rows
) -> None:
    lesson = course(rows, batch_rows=3, epochs=2)
    steps = [lesson.order(step) for step in range(lesson.steps)]
    first, second = list(chain(*steps[:3])), list(chain(*steps[3:]))
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second
    assert [len(step) for step in steps] == [3, 3, 2, 3, 3, 2]
    assert lesson.batch(0) == [rows[index] for index in steps[0]]


@given(
    lengths=st.lists(st.integers(2, 60), min_size=1, max_size=20),
    budget=st.integers(1, 200),
    processes=st.integers(1, 5),
)
def test_processes_divide_the_rows_of_a_step_among_them(
    lengths: list[int], budget: int, processes: int
) -> None:
    rows = [row(length) for length in lengths]
    shares = [micro_batches(rows, budget, Place(rank, processes)) for rank in range(processes)]
    numbers, bins = zip(*chain(*shares), strict=True)
    assert sorted(chain(*bins)) == list(range(len(rows)))
    assert len(set(numbers)) == len(numbers)
    assert all(len(bin_) == 1 or sum(lengths[at] for at in bin_) <= budget for bin_ in bins)
    loads = [sum(lengths[at] for _, bin_ in share for at in bin_) for share in shares]
    assert max(loads) - min(loads) <= max(lengths)


def test_a_row_weighs_its_answer_tokens() -> None:
    assert weight(SupervisedFineTuning(), [row(5), row(3)]) == 4 + 2


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"identity": "sft-0123.partial"},
        {"train": [row(4), row(3)]},
        {"train": [row(3)]},
        {"settings": {"learning_rate": 0.5}},
    ],
)
def test_the_fingerprint_follows_all_that_decides_the_training(
    course: Callable[..., Course], change: dict[str, Any]
) -> None:
    lesson = course([row(3), row(4)], micro_tokens=100)
    assert lesson.fingerprint() == course([row(3), row(4)], micro_tokens=50).fingerprint()
    settings = lesson.settings.model_copy(update=change.get("settings", {}))
    assert replace(lesson, **{**change, "settings": settings}).fingerprint() != lesson.fingerprint()


@pytest.mark.parametrize(
    ("indices", "names", "text"),
    [
        ([2, 0], ["a", "b", "c"], "c, a"),
        ([2, 0], [], "number 2, number 0"),
        (range(10), "abcdefghij", "a, b, c, d, e, f, g, h and 2 more"),
    ],
)
def test_a_message_names_rows_by_id_and_not_too_many(
    indices: list[int], names: list[str], text: str
) -> None:
    assert named(indices, names) == text
