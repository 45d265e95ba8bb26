"""A deadline comes when its hours are over, and never without any."""

import pickle

import pytest

from openbezoar.deadline import NEVER, Deadline
from openbezoar.errors import BudgetReached


def test_without_hours_there_is_no_end() -> None:
    assert Deadline.after(None) == NEVER
    NEVER.check()


def test_hours_to_come_are_not_over() -> None:
    Deadline.after(1).check()


def test_hours_that_are_over_raise_with_the_fix_also_in_another_process() -> None:
    deadline = pickle.loads(pickle.dumps(Deadline(2.5, at=0.0)))  # noqa: S301 - our own
    with pytest.raises(BudgetReached, match=r"2\.5 hours is over.*--max-hours"):
        deadline.check()
