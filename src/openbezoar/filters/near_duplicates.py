"""Drops rows that say nearly the same words as an earlier one that was kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from openbezoar.families import Bench, CheckMany, Filter, ModelSpec, Numbers
from openbezoar.filters.installed import expect_installed
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Layout", "NearDuplicates", "layout"]

LEAST_FOUND = 0.99
"""Of the pairs just at the threshold, the share that must become candidates."""


class NearDuplicates(Filter):
    """Keeps a row unless it shares too many shingles with one that was kept before it.

    Candidates are found by MinHash and locality-sensitive hashing and then compared exactly, so
    that a dropped row is always as near as its verdict says to the row that it names. A row without
    a single word is kept. Rows that are mostly one template or context are near duplicates, too.
    """

    kind: Literal["near_duplicates"] = "near_duplicates"
    of: Literal["instruction", "instruction and answer"] = "instruction and answer"
    """What must be nearly equal."""
    threshold: float = Field(0.8, ge=0.5, le=1)
    """The Jaccard similarity from which on a row is dropped: shared shingles of all shingles."""
    shingle: int = Field(3, ge=1, le=20)
    """The neighbouring words in a shingle; with fewer, moving words about matters less."""
    permutations: int = Field(64, ge=8, le=1024)
    """The length of a MinHash signature: more gives fewer candidates, each row taking longer."""

    @model_validator(mode="after")
    def _permutations_suffice(self) -> "NearDuplicates":
        layout(self.threshold, self.permutations)
        return self

    @contextmanager
    def open_for_many(self, bench: Bench, numbers: Numbers) -> Iterator[CheckMany]:
        """Remember at most 32 bytes a band and kept row; shingles go to a file in scratch."""
        from openbezoar.filters.near.seen import Print, Seen

        with TemporaryFile(dir=bench.scratch) as file:
            seen = Seen(file, layout(self.threshold, self.permutations), self.shingle)

            def decided(row: Row, print_: Print) -> Verdict:
                look = seen.look(print_)
                match = seen.nearest(look, self.threshold)
                if match is None:
                    seen.note(row.id, look)
                    return self.keep()
                nearness = round(match.similarity, 4)
                return self.drop("near duplicate", repeats=match.id, similarity=nearness)

            def check(rows: Sequence[Row]) -> list[Verdict]:
                return list(map(decided, rows, seen.prints(map(self._text, rows))))

            yield check
            numbers[self.kind] = seen.numbers()

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Look for the libraries that compute the signatures."""
        expect_installed(self.kind, "numpy", "rensa")

    def _text(self, row: Row) -> str:
        if self.of == "instruction":
            return asked_in(row)
        return f"{asked_in(row)}\n{answer_of(row) or ''}"


class Layout(NamedTuple):
    """How a signature is divided: a pair is a candidate when one whole band agrees."""

    bands: int
    width: int

    def found(self, similarity: float) -> float:
        """The probability that a pair of this similarity becomes a candidate."""
        return float(1 - (1 - similarity**self.width) ** self.bands)


def layout(threshold: float, permutations: int) -> Layout:
    """The widest bands, so the fewest candidates, that find enough pairs at the threshold."""
    for width in range(permutations, 0, -1):
        division = Layout(permutations // width, width)
        if division.found(threshold) >= LEAST_FOUND:
            return division
    raise ValueError(
        f"{permutations} permutations find too few of the pairs at a similarity of {threshold}; "
        "raise `permutations`"
    )
