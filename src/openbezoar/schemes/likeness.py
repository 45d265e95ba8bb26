"""How alike two short texts are, so that copies are told from new instructions."""

import difflib
import re

__all__ = ["is_copy", "overlap", "words"]


def words(text: str) -> list[str]:
    """The text's words in lower case, without punctuation."""
    return [
        word.replace("\u2019", "'") for word in re.findall(r"\w+(?:['\u2019]\w+)*", text.casefold())
    ]


def overlap(first: str, second: str) -> float:
    """The share of distinct words that two texts have in common; 1.0 for two without words."""
    left, right = set(words(first)), set(words(second))
    return len(left & right) / len(left | right) if left | right else 1.0


def is_copy(text: str, original: str) -> bool:
    """Whether the text is the original again: as it was, re-cased or lightly edited."""
    left, right = words(text), words(original)
    if overlap(text, original) >= 0.8 or _ratio(left, right) >= 0.85:
        return True
    return _ratio(" ".join(left), " ".join(right)) >= 0.9


def _ratio(left: list[str] | str, right: list[str] | str) -> float:
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()
