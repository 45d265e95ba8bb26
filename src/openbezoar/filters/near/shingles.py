"""A text as a set of shingles: runs of neighbouring words, each a number."""

import re
import unicodedata
from typing import TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

__all__ = ["Shingles", "shared", "shingles", "words"]

Shingles: TypeAlias = npt.NDArray[np.uint32]

# Signs of arithmetic stay, so that `20 - 4` and `20 / 4` are two questions.
_SIGNS = "-+*/=<>^%"
_PLAIN = (
    "".join(
        chr(byte).lower() if chr(byte).isalnum() or chr(byte) in f"_{_SIGNS}" else " "
        for byte in range(128)
    )
    .ljust(256)
    .encode()
)
# Marks inside a word that no reader sees: hyphens for a line's end, joiners, a byte order mark.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_APART = re.compile(rf"[^\w{re.escape(_SIGNS)}]+")
# Scripts that put no space between words: every character counts as one.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff])"
)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def words(text: str) -> list[bytes]:
    """The words in lower case, without punctuation; ASCII takes a path of its own for speed."""
    if text.isascii():
        return text.encode("ascii").translate(_PLAIN).split()
    plain = unicodedata.normalize("NFKC", text).casefold()
    for mark in _UNSEEN:
        plain = plain.replace(mark, "")
    plain = _APART.sub(" ", plain)
    if not plain.isascii():
        plain = _UNSPACED.sub(r" \1 ", plain)
    return plain.encode("utf-8", "surrogatepass").split()


def shingles(found: list[bytes], size: int) -> Shingles:
    """Every run of `size` words as a number, sorted, each once; a shorter text is one run."""
    size = min(size, len(found))
    if not size:
        return np.empty(0, np.uint32)
    one_by_one = np.fromiter(map(crc32, found), np.uint64, len(found))
    count = len(found) - size + 1
    runs = one_by_one[:count]
    for place in range(1, size):
        runs = runs * _ODD + one_by_one[place : place + count]
    mixed = (((runs ^ (runs >> _HALF)) * _ODD) >> _HALF).astype(np.uint32)
    mixed.sort()
    first = np.empty(count, bool)
    first[0] = True
    np.not_equal(mixed[1:], mixed[:-1], out=first[1:])
    return mixed[first]


def shared(one: Shingles, other: Shingles) -> float:
    """The Jaccard similarity of two sets: what they share, of all that they hold."""
    both = np.intersect1d(one, other, assume_unique=True).size
    return both / (one.size + other.size - both)
