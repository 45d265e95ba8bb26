"""Keeps rows whose every licence a recipe allows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from openbezoar.families import Bench, Check, Filter, Numbers
from openbezoar.records import Row, Verdict

__all__ = ["GROUPS", "Licence"]

_PERMISSIVE = (
    r"0BSD|AFL-[123]\.\d|Apache-2\.0|BSD-[23]-Clause|BSL-1\.0|CC0-1\.0|CC-BY-[1-4]\.\d|"
    r"CDLA-Permissive-[12]\.0|ISC|MIT|MIT-0|ODC-By-1\.0|PDDL-1\.0|Unlicense|Zlib"
)
_SHARE_ALIKE = r"CC-BY-SA-[1-4]\.\d|CDLA-Sharing-1\.0|ODbL-1\.0"
GROUPS = {
    "permissive": _PERMISSIVE,
    "open": rf"{_PERMISSIVE}|{_SHARE_ALIKE}",
    "non-commercial": r"CC-BY-NC(?:-SA)?-[1-4]\.\d",
}
"""Licences by what they permit, as SPDX identifiers: `open` is `permissive` and share-alike ones,
`non-commercial` permits changed copies that nobody earns with."""
SHOWN = 40


class Licence(Filter):
    """Drops a row that bears a licence which is not allowed, or none at all.

    A row made from others carries the licences of all of them, and each must be allowed. What a
    licence demands of whoever publishes, such as naming the authors, remains to be done.
    """

    kind: Literal["licence"] = "licence"
    allow: tuple[Annotated[str, Field(min_length=1)], ...] = Field(("open",), min_length=1)
    """SPDX identifiers such as `CC-BY-4.0`, and groups: `permissive`, `open`, `non-commercial`."""
    unknown: Literal["drop", "keep"] = "drop"
    """What becomes of a row that names no licence."""

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Rows share their licences, so each combination is decided once."""
        decide = lru_cache(4096)(self._decide)

        def check(row: Row) -> Verdict:
            return decide(row.licences)

        yield check

    def _decide(self, licences: tuple[str, ...]) -> Verdict:
        if not any(licence.strip() for licence in licences):
            return self.keep() if self.unknown == "keep" else self.drop("unknown")
        pattern = "|".join(GROUPS.get(name, re.escape(name)) for name in self.allow)
        refused = [
            licence
            for licence in licences
            if not re.fullmatch(pattern, licence.strip(), re.IGNORECASE)
        ]
        if not refused:
            return self.keep()
        return self.drop(refused[0].strip()[:SHOWN] or "unknown", licences=[*licences])
