"""An index of rows by the bands of their MinHash signatures, 16 to 32 bytes a band and row.

An index of dictionaries takes about 90 bytes a band and row, and a band that a template puts into
every row makes every row a candidate for every other. Here a bucket holds eight entries and what
comes later is not noted there: time stays linear, and a crowded bucket costs a row one of its
several chances to be found.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Bands", "Look"]

Numbers = npt.NDArray[np.uint64]

DEEP = 8
"""Entries that a bucket holds."""
PART = 1 << 16
"""Buckets that are moved at a time when the index grows, so that growing takes no third copy."""
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_NEVER_ZERO = np.uint64(1 << 31)
_ODD = 0x9E3779B97F4A7C15


class Look(NamedTuple):
    """What the index holds for a signature, good until the next row is added."""

    rows: list[int]
    """The rows that agree in a whole band, each once, in order."""
    marks: Numbers
    buckets: Numbers
    entries: Numbers


class Bands:
    """Finds the earlier rows that agree with a signature in at least one whole band."""

    def __init__(self, bands: int, width: int) -> None:
        # An entry is a band's mark in the upper half and the row's number, from 1, in the lower.
        self._entries = np.zeros((256, DEEP), np.uint64)
        self._held = 0
        self.crowded = 0
        """Entries that found no place."""
        odd = [number * _ODD & (2**64 - 1) | 1 for number in range(1, bands * width + 1)]
        self._multipliers = np.array(odd, np.uint64).reshape(bands, width)

    def marks(self, signatures: Sequence[Sequence[int]]) -> Numbers:
        """For each signature, of `bands * width` 32-bit numbers, a number for every band."""
        values = np.array(signatures, np.uint64).reshape(-1, *self._multipliers.shape)
        mixed: Numbers = np.einsum("kij,ij->ki", values, self._multipliers)
        return mixed >> _HALF | _NEVER_ZERO

    def look(self, marks: Numbers) -> Look:
        """Find the rows that share one of a signature's marks."""
        buckets = marks & np.uint64(len(self._entries) - 1)
        entries = self._entries.take(buckets, axis=0)
        found = entries[entries >> _HALF == marks[:, None]]
        rows = sorted({int(entry) - 1 for entry in found & _LOW}) if found.size else []
        return Look(rows, marks, buckets, entries)

    def add(self, row: int, look: Look) -> None:
        """Note a row where it was looked for."""
        free = look.entries == 0
        places = free.argmax(axis=1)
        entries = look.marks << _HALF
        entries |= np.uint64(row + 1)
        roomy = free.any(axis=1)
        if not roomy.all():
            self.crowded += len(roomy) - int(np.count_nonzero(roomy))
            self._entries[look.buckets[roomy], places[roomy]] = entries[roomy]
        else:
            self._entries[look.buckets, places] = entries
        self._held += len(roomy)
        if 2 * self._held > self._entries.size:
            self._grow()

    def _grow(self) -> None:
        """Twice the buckets: an entry stays, or moves as far up as there were buckets before."""
        old, size = self._entries, len(self._entries)
        self._entries = np.zeros((2 * size, DEEP), np.uint64)
        for start in range(0, size, PART):
            part = old[start : start + PART]
            moves = (part >> _HALF) & np.uint64(size) != 0
            np.copyto(self._entries[start : start + len(part)], part, where=~moves)
            np.copyto(self._entries[size + start : size + start + len(part)], part, where=moves)
