"""Which rows a source keeps: each once, and the first ones or a random draw of them."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from statistics import fmean
from typing import Any, Literal

from pydantic import Field

from openbezoar.errors import DataError
from openbezoar.families import Flow, Length, Source, length_of, random_for
from openbezoar.ranges import Range, exactly
from openbezoar.records import Row

__all__ = ["Chosen", "Found", "rejected", "row_id"]

LOOK = 512
"""How many rows are looked at to say what to expect."""

Found = Row | tuple[str, dict[str, Any]]
"""A row, or the reason for rejecting one and the raw row."""


class Chosen(Source, ABC):
    """A source that yields no row twice and can stop at a number of rows."""

    limit: int | None = Field(None, ge=1)
    """At most so many rows; all where it is not given."""
    sample: Literal["first", "random"] = "first"
    """Which rows a limit keeps: the first of the file, or those a random draw ranks first, in the
    order of the draw. The draw looks at a row's id alone, so that other rows do not change it."""
    seed: int = 0
    """Another seed is another draw."""

    @abstractmethod
    def read(self) -> Iterator[Found]:
        """Every row of the files, in their order, and what is rejected."""

    def group(self, row: Any) -> str:
        """The group that `per_group` counts: a category, a task."""
        return ""

    def per_group(self) -> int | None:
        """At most so many rows of each group."""
        return None

    def most(self) -> int | None:
        """The most rows that the settings allow."""
        return self.limit

    def check_ready(self) -> None:
        """Its files must be here, and one of their rows must be usable."""
        lost: list[tuple[str, str]] = []
        for found in self.read():
            if not isinstance(found, tuple):
                return
            lost.append((found[0], found[1].get("rejected_at", "")))
        if not lost:
            raise DataError("the source gave no usable row: it holds none at all; write some")
        ((reason, _),) = Counter(reason for reason, _ in lost).most_common(1)
        place = next(place for why, place in lost if why == reason)
        raise DataError(
            f"the source gave no usable row: {len(lost)} rejected, most for {reason!r}, the first "
            f"of those at {place}; mend them"
        )

    def expects(self) -> Flow:
        """The rows of a short file counted, of a long one as many as the settings allow."""
        found = self.read() if self.sample == "random" else self.rows()
        seen = [one for one in islice(found, LOOK) if not isinstance(one, tuple)]
        if next(found, None) is None:
            kept = [one for one in self.rows() if not isinstance(one, tuple)]
            return Flow(exactly(len(kept)), _length(kept))
        if not seen:
            return Flow(None)
        most = self.most()
        if most is None:
            return Flow(None, _length(seen))
        return Flow(Range(low=0.5 * most, likely=most, high=most), _length(seen))

    def rows(self) -> Iterator[Found]:
        """Yield the rows kept and all that is rejected; a random draw holds every row in memory."""
        share = _Share(self.limit, self.per_group())
        ranked: list[Row] = []
        for found in self._without_duplicates():
            if isinstance(found, tuple):
                yield found
            elif self.sample == "random":
                ranked.append(found)
            elif share.takes(self.group(found)):
                yield found
            if share.is_full():
                return
        ranked.sort(key=lambda row: (random_for(self.seed, row.id).random(), row.id))
        yield from (row for row in ranked if share.takes(self.group(row)))

    def _without_duplicates(self) -> Iterator[Found]:
        seen: set[str] = set()
        for found in self.read():
            if isinstance(found, tuple) or found.id not in seen:
                yield found
            else:
                yield "duplicate", found.model_dump(mode="json")
            if not isinstance(found, tuple):
                seen.add(found.id)


def _length(rows: Sequence[Row]) -> Length | None:
    """The mean length of some rows; the mean of others may be somewhat off."""
    if not rows:
        return None
    asked, answered = (fmean(side) for side in zip(*map(length_of, rows), strict=True))
    around = Range(low=0.75, likely=1, high=1.35)
    return Length(around * asked, around * answered)


class _Share:
    def __init__(self, limit: int | None, per_group: int | None) -> None:
        self._limit = limit
        self._per_group = per_group
        self._taken: Counter[str] = Counter()

    def takes(self, group: str) -> bool:
        """Count the row and say yes, or say that there are enough."""
        if self.is_full() or (self._per_group and self._taken[group] >= self._per_group):
            return False
        self._taken[group] += 1
        return True

    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self._limit is not None and self._taken.total() >= self._limit


def row_id(prefix: str, raw: Mapping[str, Any]) -> str:
    """An id from a row's own content, so that other rows leave it alone."""
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{prefix}-{hashlib.sha256(canonical.encode('utf-8', 'replace')).hexdigest()[:12]}"


def rejected(reason: str, raw: dict[str, Any], place: str) -> Found:
    """A raw row with the reason, which is counted, and the file and line, which are not."""
    return reason, {**raw, "rejected_at": place}
