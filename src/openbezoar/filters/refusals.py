"""Drops answers that decline, apologise or talk about being a machine instead of helping."""

import re
from typing import Literal

from openbezoar.families import Filter
from openbezoar.filters.texts import answer_of
from openbezoar.records import Row, Verdict

__all__ = ["Refusals"]

OPENING = 160
"""Characters from the start in which a refusal shows; later ones are part of an answer."""

_CANNOT = r"(?:can(?:no|')?t|can not|could ?n[o']t|am (?:not able|unable)|'m (?:not able|unable))"
_HELP = (
    r"(?:help|assist|answer|provide|fulfil+|comply|complete|do (?:that|this|so)|generate|give|"
    r"write|access|browse|discuss|respond|create|share|offer)"
)
_MACHINE = (
    r"(?:an? )?(?:ai(?: language model)?|artificial intelligence|(?:large )?language model|"
    r"chat ?bot|virtual assistant)"
)
# What is looked for begins with a letter, so that a search skips to the next such letter; only then
# does it look back whether a word begins there.
_PATTERNS = {
    "refusal": re.compile(
        rf"(?:i(?<!\wi)|we(?<!\wwe))(?: |(?='m)){_CANNOT} (?:\w+ ){{0,2}}?{_HELP}\b"
    ),
    "apology": re.compile(
        r"^(?:(?:i|we)(?: am|'m| are|'re) (?:\w+ )?sorry\b"
        r"(?! (?:to hear|for your|about your|you\b))|"
        r"(?:my |our )?apologies\b(?! (?:is|are|can))|i apologi[sz]e\b|sorry[,.!]? (?:but|i)\b|"
        r"unfortunately[, ]+i\b)"
    ),
    "machine talk": re.compile(
        rf"(?:as(?<!\was) {_MACHINE}(?: (?:model|assistant|developed|trained|created)\b[^.,]*)?,|"
        rf"i(?<!\wi)(?: am|'m) (?:just |only |merely |simply )*{_MACHINE}\b)"
    ),
}


class Refusals(Filter):
    """Keeps answers that do not open with a refusal; a seed, which has no answer, is kept."""

    kind: Literal["refusals"] = "refusals"

    def check(self, row: Row) -> Verdict:
        """Look for each kind of refusal at the start of the answer."""
        words = (answer_of(row) or "").split(maxsplit=OPENING // 2)
        opening = " ".join(words)[:OPENING].lower().replace("\u2019", "'")
        for reason, pattern in _PATTERNS.items():
            if pattern.search(opening):
                return self.drop(reason)
        return self.keep()
