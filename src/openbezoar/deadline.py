"""When a run has to stop."""

import time
from typing import NamedTuple, Self

from openbezoar.errors import BudgetReached

__all__ = ["NEVER", "Deadline"]


class Deadline(NamedTuple):
    """A moment of the machine's own clock, which all its processes share."""

    hours: float | None = None
    at: float = float("inf")

    @classmethod
    def after(cls, hours: float | None) -> Self:
        """So many hours from now; never without a number."""
        return cls() if hours is None else cls(hours, time.monotonic() + 3600 * hours)

    def is_over(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self.at

    def check(self) -> None:
        """Raise BudgetReached once the moment has come."""
        if self.is_over():
            raise BudgetReached(self.reached())

    def reached(self) -> str:
        """What to tell the person."""
        return (
            f"the run's time of {self.hours:g} hours is over; what was made is kept: raise "
            "`budget.hours` or --max-hours, or run again to go on for as long"
        )


NEVER = Deadline()
