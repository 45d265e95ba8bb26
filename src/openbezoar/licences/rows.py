"""The licences that rows bear, counted one row at a time."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
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
    """Read the rows, of which none is kept; a row that two data sets hold counts twice."""
    combinations: Counter[tuple[str, ...]] = Counter()
    for one in data:
        for name in files_of(one):
            path = one.artifact.folder / name
            state = path.stat()
            combinations.update(_counted(path, state.st_size, state.st_mtime_ns))
    return Tally(combinations)


@cache
def _counted(path: Path, size: int, changed: int) -> Counter[tuple[str, ...]]:
    """What one file holds, read once for as long as its size and time stay."""
    rows = (row for _, row in jsonl.read_objects(path))
    return Counter(_licences(row.get("licences")) for row in rows)


def _licences(value: object) -> tuple[str, ...]:
    given = value if isinstance(value, list) else []
    return tuple(sorted({str(licence).strip() for licence in given} - {""}))
