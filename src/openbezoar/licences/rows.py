"""The licences that rows bear, counted one row at a time."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from openbezoar import jsonl
from openbezoar.licences.lineage import Data, files_of

__all__ = ["Tally", "tally"]


class Tally(NamedTuple):
    """How many rows bear which licences together."""

    combinations: Counter[tuple[str, ...]]

    def by_licence(self) -> Counter[str]:
        """How many rows bear each licence."""
        counts: Counter[str] = Counter()
        for licences, rows in self.combinations.items():
            counts.update(dict.fromkeys(licences, rows))
        return counts

    @property
    def bare(self) -> int:
        """The rows that bear none."""
        return self.combinations[()]


def tally(data: Iterable[Data]) -> Tally:
    """Read the rows, of which none is kept; a row that two stages learned from counts twice."""
    combinations: Counter[tuple[str, ...]] = Counter()
    for one in data:
        for name in files_of(one):
            for _, row in jsonl.read_objects(one.artifact.folder / name):
                combinations[_licences(row.get("licences"))] += 1
    return Tally(combinations)


def _licences(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else []
    return tuple(sorted({str(licence).strip() for licence in given} - {""}))
