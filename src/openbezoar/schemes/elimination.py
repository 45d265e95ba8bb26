"""Evol-Instruct's four elimination rules (WizardLM, arXiv 2304.12244), as pure functions."""

import re

from openbezoar.schemes.likeness import overlap, words

__all__ = [
    "COPIED_MARKERS",
    "NO_INFORMATION_GAIN",
    "NO_VERDICT",
    "ONLY_STOP_WORDS",
    "RULES",
    "SORRY",
    "copies_markers",
    "is_apology",
    "is_only_stop_words",
    "overlaps",
    "read_equality",
]

NO_INFORMATION_GAIN = "no information gain"
NO_VERDICT = "no readable verdict on information gain"
SORRY = "short answer with sorry"
ONLY_STOP_WORDS = "answer of only punctuation and stop words"
COPIED_MARKERS = "copied marker phrases"
RULES = frozenset({NO_INFORMATION_GAIN, NO_VERDICT, SORRY, ONLY_STOP_WORDS, COPIED_MARKERS})
"""All reasons: the four rules, and the verdict that the first of them asks for in vain."""


def read_equality(reply: str) -> bool | None:
    """Whether the reply calls two prompts equal; None when it does not say.

    A denial wins over the bare word, since every denial contains it.
    """
    text = reply.casefold()
    if _DENIAL.search(text):
        return False
    return True if re.search(r"\bequal\b", text) else None


def overlaps(first: str, second: str) -> bool:
    """Whether two prompts share nearly all their words: equality without asking a model."""
    return overlap(first, second) > 0.9


def is_apology(answer: str) -> bool:
    """Whether the answer says sorry in fewer than 80 words."""
    return "sorry" in answer.casefold() and len(answer.split()) < 80


def is_only_stop_words(answer: str) -> bool:
    """Whether nothing is left of the answer without punctuation and stop words."""
    return all(word in STOP_WORDS for word in words(answer))


def copies_markers(evolved: str) -> bool:
    """Whether the evolved prompt carries words of the prompt that asked for it."""
    return _MARKER.search(evolved) is not None


_DENIAL = re.compile(r"(?:\bnot|n['\u2019]t|\bnever|\bneither)(?:\s+\w+)?\s+equal\b|\bunequal\b")
_MARKER = re.compile(r"\b(?:given|rewritten|created)[\s_]+prompts?\b", re.IGNORECASE)

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being
    below between both but by can could did do does doing don't down during each few for from
    further had has have having he her here hers herself him himself his how i if in into is isn't
    it its itself just me more most my myself no nor not now of off on once only or other our ours
    ourselves out over own same she should so some such than that the their theirs them themselves
    then there these they this those through to too under until up very was we were what when where
    which while who whom why will with would you your yours yourself yourselves it's i'm you're
    that's let's
    """.split()  # noqa: SIM905 - a list of quoted words is no easier to read
)
