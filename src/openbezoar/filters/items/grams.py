"""N-grams as numbers: those of one text in order, or those of many texts at once."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Grams", "Owned", "ngrams", "owned"]

Grams: TypeAlias = npt.NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)


class Owned(NamedTuple):
    """N-grams of many texts, and for each the number of the text that it stands in."""

    grams: Grams
    owners: npt.NDArray[np.intp]

    def distinct(self) -> "Owned":
        """Each n-gram once for each of its owners, sorted by n-gram, then by owner."""
        order = np.lexsort((self.owners, self.grams))
        grams, owners = self.grams[order], self.owners[order]
        new = np.ones(len(grams), bool)
        new[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
        return Owned(grams[new], owners[new])

    def where(self, chosen: npt.NDArray[np.bool_ | np.intp]) -> "Owned":
        """The chosen ones among them."""
        return Owned(self.grams[chosen], self.owners[chosen])


def ngrams(words: Sequence[str], length: int) -> Grams:
    """The hash of every n-gram, in order.

    Python's hash of words differs between processes, which changes nothing: the words themselves
    are compared before anything is said, and of ten million indexes with a million n-grams not one
    is expected in which two n-grams share a hash of 64 bits and so count as one.
    """
    count = len(words) - length + 1
    if count < 1:
        return np.empty(0, np.uint64)
    hashes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)
    grams = hashes[:count]
    for place in range(1, length):
        grams = grams * _ODD + hashes[place : place + count]
    return grams


def owned(texts: Sequence[Sequence[str]], length: int) -> Owned:
    """The n-grams of every text, in order, owned by the text's place."""
    grams = ngrams(list(chain.from_iterable(texts)), length)
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    owners = np.repeat(np.arange(len(texts)), lengths)
    within = owners[: len(grams)] == owners[length - 1 :]
    return Owned(grams, owners[: len(grams)]).where(within)
