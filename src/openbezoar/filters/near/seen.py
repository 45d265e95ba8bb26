"""The rows that a filter kept so far: their bands in memory, their shingles and ids in a file."""

import os
from array import array
from collections.abc import Iterable
from typing import IO, NamedTuple

import numpy as np
import rensa
from pydantic import JsonValue

from openbezoar.filters.near import bands
from openbezoar.filters.near.shingles import Shingles, shared, shingles, words

__all__ = ["Look", "Match", "Print", "Seen"]

SEED = 1
"""Of the permutations; each misses other pairs."""


class Print(NamedTuple):
    """A text's shingles, and the marks of their signature; None for a text without words."""

    shingles: Shingles
    marks: bands.Numbers | None


class Look(NamedTuple):
    """A row's shingles, and what the index holds near them; None for a row without words."""

    shingles: Shingles
    near: bands.Look | None


class Match(NamedTuple):
    """The row that is repeated, and the share of shingles in common."""

    id: str
    similarity: float


class Seen:
    """Finds the nearest of the rows noted so far."""

    def __init__(self, file: IO[bytes], division: tuple[int, int], size: int) -> None:
        self._file = file
        self._size = size
        self._permutations = division[0] * division[1]
        self._bands = bands.Bands(*division)
        self._ends = array("Q", [0])
        self._counts = array("I")
        self._compared = 0

    def prints(self, texts: Iterable[str]) -> list[Print]:
        """Read some texts, which together take less time than one by one."""
        held = [shingles(words(text), self._size) for text in texts]
        flat = np.concatenate([*held, np.empty(0, np.uint32)])
        ends = np.cumsum([0, *(each.size for each in held)]).tolist()
        digests = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
            flat.astype(np.uint64), ends, self._permutations, SEED
        )
        marks = self._bands.marks(digests.to_rows())
        return [
            Print(each, mark if each.size else None) for each, mark in zip(held, marks, strict=True)
        ]

    def look(self, print_: Print) -> Look:
        """Find which of the rows noted so far may be near."""
        near = None if print_.marks is None else self._bands.look(print_.marks)
        return Look(print_.shingles, near)

    def nearest(self, look: Look, threshold: float) -> Match | None:
        """The nearest row at or above the threshold, the first of equally near ones."""
        nearest = None
        for row in look.near.rows if look.near else []:
            sizes = sorted((look.shingles.size, self._counts[row]))
            if sizes[0] < threshold * sizes[1]:
                continue  # Even the whole of the smaller set would be too little.
            self._compared += 1
            id_, held = self._read(row)
            similarity = shared(look.shingles, held)
            if similarity >= threshold and (nearest is None or similarity > nearest.similarity):
                nearest = Match(id_, similarity)
        return nearest

    def note(self, id_: str, look: Look) -> None:
        """Remember a row that is kept."""
        if look.near is None:
            return
        self._bands.add(len(self._counts), look.near)
        record = look.shingles.tobytes() + id_.encode("utf-8", "surrogatepass")
        self._file.write(record)
        self._counts.append(look.shingles.size)
        self._ends.append(self._ends[-1] + len(record))

    def numbers(self) -> dict[str, JsonValue]:
        """What the search took: pairs compared, and entries that a crowded index left out."""
        return {"compared": self._compared, "crowded": self._bands.crowded}

    def _read(self, row: int) -> tuple[str, Shingles]:
        self._file.flush()
        start, count = self._ends[row], self._counts[row]
        record = os.pread(self._file.fileno(), self._ends[row + 1] - start, start)
        held = np.frombuffer(record, np.uint32, count)
        return record[held.nbytes :].decode("utf-8", "surrogatepass"), held
