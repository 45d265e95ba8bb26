"""Drops rows that repeat an earlier one but for case, white space and punctuation."""

import hashlib
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from openbezoar.families import Bench, Check, Filter, Numbers
from openbezoar.filters.texts import answer_of, asked_in
from openbezoar.records import Row, Verdict

__all__ = ["Duplicates", "normalised"]

_BEFORE = "\"'([{“‘«*_"  # noqa: RUF001 - typographic quotes are what is meant
_AFTER = "\"')]}”’»*_.,;:!?…"  # noqa: RUF001 - typographic quotes are what is meant


class Duplicates(Filter):
    """Keeps the first of equal rows, first in the order of the rows, however checks are timed."""

    kind: Literal["duplicates"] = "duplicates"
    of: Literal["instruction", "instruction and answer"] = "instruction"
    """What must be equal."""

    @asynccontextmanager
    async def open(
        self, bench: Bench, rows: Sequence[Row], numbers: Numbers
    ) -> AsyncIterator[Check]:
        """Note the first row of every text; 16 bytes a row are held in memory."""
        firsts: dict[bytes, str] = {}
        for row in rows:
            firsts.setdefault(self._print(row), row.id)

        async def check(row: Row) -> Verdict:
            first = firsts[self._print(row)]
            return self.keep() if first == row.id else self.drop("duplicate")

        yield check

    def _print(self, row: Row) -> bytes:
        texts = [normalised(asked_in(row))]
        if self.of == "instruction and answer":
            texts.append(normalised(answer_of(row) or ""))
        return hashlib.blake2b("\x1f".join(texts).encode(), digest_size=16).digest()


def normalised(text: str) -> str:
    """The words in one case and one space apart, without the punctuation around them.

    What stands inside a word or alone stays, so that `2 + 3` and `2 - 3` are two questions.
    """
    words = unicodedata.normalize("NFKC", text).casefold().split()
    return " ".join(word.lstrip(_BEFORE).rstrip(_AFTER) or word for word in words)
