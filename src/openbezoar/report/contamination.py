"""Which rows held items of the benchmarks that the recipe measures on."""

from collections.abc import Mapping
from typing import NamedTuple

from openbezoar.report.contents import Contents
from openbezoar.report.numbers import FilterNumbers
from openbezoar.report.pieces import BenchmarkNumbers, ContaminationNumbers

__all__ = ["Search", "searches"]


class Search(NamedTuple):
    """What one filter stage looked for and found."""

    stage: str
    numbers: ContaminationNumbers

    @property
    def kept(self) -> bool:
        """Whether rows that hold items stayed."""
        return self.numbers.flagged == "keep"

    @property
    def found(self) -> Mapping[str, BenchmarkNumbers]:
        """The benchmarks of which something was found, the most rows first."""
        found = [(name, counts) for name, counts in self.numbers.tasks.items() if counts.rows]
        return dict(sorted(found, key=lambda pair: (-pair[1].rows, pair[0])))

    @property
    def clean(self) -> list[str]:
        """The benchmarks of which nothing was found."""
        return [name for name, counts in self.numbers.tasks.items() if not counts.rows]


def searches(contents: Contents) -> list[Search]:
    """Every search, in the order of making."""
    return [
        Search(made.name, made.numbers.contamination)
        for made in contents.latest
        if isinstance(made.numbers, FilterNumbers) and made.numbers.contamination
    ]
