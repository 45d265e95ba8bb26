"""Which of many texts hold an n-gram: two sorted arrays, and a table that says no at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from openbezoar.filters.items.grams import Owned, owned

__all__ = ["Postings", "Shared"]

ROOM = 5
"""A table has 2 to the power of this times as many bits as there are n-grams, or twice that."""


class Shared(NamedTuple):
    """An n-gram that stands in two texts: its place among those of the one, and its hash."""

    place: int
    gram: int


class Postings:
    """The texts of every n-gram but those that too many texts share."""

    def __init__(self, texts: Sequence[Sequence[str]], length: int, most: int) -> None:
        found = owned(texts, length).distinct()
        _, places, counts = np.unique(found.grams, return_inverse=True, return_counts=True)
        kept = found.where(counts[places] <= most)
        self.counts: list[int] = np.bincount(kept.owners, minlength=len(texts)).tolist()
        """How many n-grams point to each text."""
        self._texts = kept.owners
        self._grams, starts = np.unique(kept.grams, return_index=True)
        self._starts = np.append(starts, len(kept.owners))
        bits = len(self._grams).bit_length() + ROOM
        self._shift = np.uint64(64 - bits)
        taken = np.zeros(1 << bits, bool)
        taken[self._grams >> self._shift] = True
        self._taken = np.packbits(taken, bitorder="little")

    def shared(self, asked: Owned) -> dict[int, dict[int, list[Shared]]]:
        """The n-grams that point to a text, by their owner, then by that text, in order."""
        bits = (asked.grams >> self._shift).view(np.int64)
        likely = np.flatnonzero(self._taken[bits >> 3] >> (bits & 7).astype(np.uint8) & 1)
        slots = self._grams.searchsorted(asked.grams[likely])
        there = self._grams.take(slots, mode="clip") == asked.grams[likely]
        known = asked.where(likely[there])
        places = likely[there] - asked.owners.searchsorted(known.owners)
        shared = map(Shared, places.tolist(), known.grams.tolist())
        found: dict[int, dict[int, list[Shared]]] = {}
        for owner, slot, one in zip(
            known.owners.tolist(), slots[there].tolist(), shared, strict=True
        ):
            texts = found.setdefault(owner, {})
            for text in self._texts[self._starts[slot] : self._starts[slot + 1]].tolist():
                texts.setdefault(text, []).append(one)
        return found
