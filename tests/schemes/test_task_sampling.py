"""Tasks are sampled without replacement, under a cap."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openbezoar.schemes.task_sampling import sample_tasks

Rows = list[tuple[tuple[str, str], int]]


@given(st.lists(st.sampled_from("abcd")), st.integers(1, 4), st.integers())
def test_no_row_comes_twice_and_no_task_passes_its_cap(
    tasks: list[str], cap: int, seed: int
) -> None:
    rows: Rows = [(("niv2", task), place) for place, task in enumerate(tasks)]
    drawn = list(sample_tasks(rows, {"niv2": cap}, random.Random(seed)))
    assert len(set(drawn)) == len(drawn)
    assert Counter(tasks[place] for place in drawn) == {
        task: min(count, cap) for task, count in Counter(tasks).items()
    }


def test_a_task_is_as_likely_as_any_other_however_many_rows_it_has() -> None:
    rows: Rows = [(("t0", "small"), n) for n in range(100)]
    rows += [(("t0", "large"), n) for n in range(100, 10_000)]
    first = [
        next(iter(sample_tasks(rows, 10**6, random.Random(seed)))) < 100 for seed in range(400)
    ]
    assert 150 < sum(first) < 250


def test_one_cap_may_hold_for_all() -> None:
    rows: Rows = [((name, "task"), n) for name in ("cot", "t0") for n in range(5)]
    assert len(list(sample_tasks(rows, 2, random.Random(0)))) == 4
    assert len(list(sample_tasks(rows, {"cot": 1}, random.Random(0)))) == 6
