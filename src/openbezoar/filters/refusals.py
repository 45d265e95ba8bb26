"""Drops answers that decline, apologise or talk about being a machine instead of helping."""

from typing import Literal

from openbezoar.families import Filter
from openbezoar.filters.texts import answer_of
from openbezoar.records import Row, Verdict
from openbezoar.refusing import refusal

__all__ = ["Refusals"]


class Refusals(Filter):
    """Keeps answers that do not open with a refusal; a seed, which has no answer, is kept."""

    kind: Literal["refusals"] = "refusals"

    def check(self, row: Row) -> Verdict:
        """Look for each kind of refusal at the start of the answer."""
        reason = refusal(answer_of(row) or "")
        return self.drop(reason) if reason else self.keep()
