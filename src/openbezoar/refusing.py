"""Recognises an answer that declines, apologises or talks about being a machine."""

import re

__all__ = ["refusal"]

OPENING = 160
"""Characters from the start in which a refusal shows; later ones are part of an answer."""


def refusal(answer: str) -> str:
    """The kind of refusal that the answer opens with: refusal, apology, machine talk, or none."""
    words = answer.split(maxsplit=OPENING // 2)
    opening = " ".join(words)[:OPENING].lower().replace("\u2019", "'")
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.search(opening)), "")


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
