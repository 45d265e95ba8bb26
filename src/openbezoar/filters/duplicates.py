"""Drops rows that repeat an earlier one but for case, white space and punctuation."""

import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from openbezoar.families import Bench, Check, Filter, Numbers
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Duplicates", "normalised"]

_BEFORE = "\"'([{“‘«*_"  # noqa: RUF001 - typographic quotes are what is meant
_AFTER = "\"')]}”’»*_.,;:!?…"  # noqa: RUF001 - typographic quotes are what is meant


class Duplicates(Filter):
    """Keeps the first of equal rows, first in the order of the rows."""

    kind: Literal["duplicates"] = "duplicates"
    of: Literal["instruction", "instruction and answer"] = "instruction"
    """What must be equal."""

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Remember the id of the first row of every text; about 200 bytes a row are held."""
        firsts: dict[bytes, str] = {}

        def check(row: Row) -> Verdict:
            print_ = self._print(row)
            if print_ in firsts:
                return self.drop("duplicate", repeats=firsts[print_])
            firsts[print_] = row.id
            return self.keep()

        yield check

    def _print(self, row: Row) -> bytes:
        texts = [normalised(asked_in(row))]
        if self.of == "instruction and answer":
            texts.append(normalised(answer_of(row) or ""))
        content = "\x1f".join(texts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=16).digest()


def normalised(text: str) -> str:
    """The words in one case and one space apart, without the punctuation around them.

    What stands inside a word or alone stays, so that `2 + 3` and `2 - 3` are two questions.
    """
    words = unicodedata.normalize("NFKC", text).casefold().split()
    bare = [
        word if word.isalpha() else word.lstrip(_BEFORE).rstrip(_AFTER) or word for word in words
    ]
    return " ".join(bare)
