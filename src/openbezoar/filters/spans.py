"""Spans of words: those of some texts that stand in another word for word, and those repeated."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from openbezoar.repeating import SPAN, repeated

__all__ = ["Phrases", "repeated_share"]

FEWEST = 16
"""With fewer words, a text may repeat itself by its nature."""
TAIL = 60
"""Words at the end in which a loop shows, however sound the text was before."""


class Phrases:
    """All spans of so many words in some texts; whether one stands elsewhere costs a set's look."""

    def __init__(self, texts: Iterable[str], length: int) -> None:
        by_longest: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
        self._spans: dict[frozenset[str], list[str]] = {}
        for words in map(str.split, texts):
            for start in range(len(words) - length + 1):
                span = words[start : start + length]
                members = frozenset(span)
                by_longest[max(span, key=len)].append(members)
                self._spans.setdefault(members, []).append(f" {' '.join(span)} ")
        self._by_longest = dict(by_longest)
        self._longest = frozenset(by_longest)

    def found_in(self, words: Sequence[str], distinct: AbstractSet[str]) -> str | None:
        """The first span that stands among the words; `distinct` is their set."""
        if self._longest.isdisjoint(distinct):
            return None
        near = [
            members
            for word in self._longest & distinct
            for members in self._by_longest[word]
            if members <= distinct
        ]
        if not near:
            return None
        text = f" {' '.join(words)} "
        found = [span for members in near for span in self._spans[members] if span in text]
        return min(found, key=text.find).strip() if found else None


def repeated_share(units: Sequence[str], distinct: int, limit: float) -> float | None:
    """The share of spans that stood in a text before, in all of it or in its end, if above limit.

    `distinct` is how many units differ. Every span but the first three brings at most one new
    unit, so a text of many different ones needs no count of its spans.
    """
    share = _repeated(units, distinct, limit)
    if len(units) > TAIL:
        end = units[-TAIL:]
        share = max(share, _repeated(end, len(set(end)), limit))
    return share if share > limit else None


def _repeated(units: Sequence[str], distinct: int, limit: float) -> float:
    spans = len(units) - SPAN + 1
    if len(units) < FEWEST or distinct - SPAN >= (1 - limit) * spans:
        return 0.0
    return repeated(units) or 0.0
