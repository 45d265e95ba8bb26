"""Finds texts in other texts: shared n-grams say where to look, shared words in order how much."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from openbezoar.filters.items.grams import ngrams, owned
from openbezoar.filters.items.postings import Postings, Shared
from openbezoar.filters.items.words import words_of

__all__ = ["Hit", "Index", "Rule", "Sought"]

SHARE_OF_NGRAMS = 0.1
"""Of a text's n-grams, the share that must be there before its words are compared. Where two words
in three are found in order, twice as many n-grams are whole."""


class Rule(NamedTuple):
    """What counts as finding a text."""

    ngram: int
    """The words in an n-gram."""
    boilerplate: int
    """An n-gram that more texts than these share points to none of them."""
    score: float
    """The least score."""
    short_score: float
    """The least score of a text with fewer than `short_words` words."""
    short_words: int

    def least(self, words: int) -> float:
        """The least score of a text of so many words."""
        return self.short_score if words < self.short_words else self.score


class Sought(NamedTuple):
    """A text that is looked for."""

    words: tuple[str, ...]
    stretch: int
    """The words among which it may be spread: more than its own where choices stand between."""
    items: tuple[tuple[str, str], ...]
    """What it belongs to: benchmark and id."""


class Hit(NamedTuple):
    """A text that was found."""

    sought: Sought
    score: float
    """The share of its words found in order, a rare word counting for more than a common one."""
    span: str
    """Where, in words of one form."""


class Index:
    """Texts, ready to be looked for: about 80 bytes for each of their words."""

    def __init__(self, texts: Sequence[Sought], rule: Rule) -> None:
        self._texts, self._rule = texts, rule
        self._weights = _weights(texts)
        self._totals = [sum([self._weights[word] for word in text.words]) for text in texts]
        self._postings = Postings([text.words for text in texts], rule.ngram, rule.boilerplate)
        self._least = [
            max(1, math.ceil(SHARE_OF_NGRAMS * count)) for count in self._postings.counts
        ]

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """For each text those that stand in it, the best found first; many at once are faster."""
        read = [words_of(text) for text in texts]
        shared = self._postings.shared(owned(read, self._rule.ngram))
        return [self._hits(words, shared.get(owner, {})) for owner, words in enumerate(read)]

    def _hits(self, words: list[str], shared: Mapping[int, Sequence[Shared]]) -> list[Hit]:
        likely = [number for number, found in shared.items() if len(found) >= self._least[number]]
        known = set(words) if likely else set()
        looks = (self._look(number, words, known, shared[number]) for number in likely)
        hits = [hit for hit in looks if hit is not None]
        return sorted(hits, key=lambda hit: (-hit.score, -len(hit.sought.words), hit.sought.items))

    def _look(
        self, number: int, words: list[str], known: set[str], shared: Sequence[Shared]
    ) -> Hit | None:
        """Compare the words, wherever an n-gram says that the text may stand."""
        sought, total = self._texts[number], self._totals[number]
        least = self._rule.least(len(sought.words)) * total - 1e-9  # rounding is no difference
        if total - self._missing(sought.words, known, total - least) < least:
            return None
        slack = max(3, sought.stretch // 4)
        for start in _starts(sought.words, shared, self._rule.ngram, slack):
            there = words[max(0, start - slack) : start + sought.stretch + slack]
            if total - self._missing(sought.words, set(there), total - least) < least:
                continue
            score, span = self._align(sought.words, there)
            if score >= least:
                return Hit(sought, score / total, span)
        return None

    def _missing(self, words: Sequence[str], known: set[str], most: float) -> float:
        """The weight of the words that are not among the known ones, counted up to the most."""
        missing = 0.0
        for word in words:
            if word not in known:
                missing += self._weights[word]
                if missing > most:
                    break
        return missing

    def _align(self, words: Sequence[str], there: list[str]) -> tuple[float, str]:
        matcher = SequenceMatcher(None, there, words, autojunk=False)
        blocks = matcher.get_matching_blocks()[:-1]  # the last one is empty by design
        if not blocks:
            return 0.0, ""
        found = [word for block in blocks for word in words[block.b : block.b + block.size]]
        span = " ".join(there[blocks[0].a : blocks[-1].a + blocks[-1].size])
        return sum([self._weights[word] for word in found]), span


def _weights(texts: Sequence[Sought]) -> dict[str, float]:
    """One and more: the natural logarithm of how rare a word is among the texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(text.words))
    return {word: 1 + math.log(len(texts) / count) for word, count in counts.items()}


def _starts(
    sought: Sequence[str], shared: Iterable[Shared], length: int, slack: int
) -> Iterator[int]:
    """Where the text would begin, seen from each n-gram; starts closer than the slack are one."""
    first: dict[int, int] = {}
    for place, gram in enumerate(ngrams(sought, length).tolist()):
        first.setdefault(gram, place)
    last: int | None = None
    for start in sorted(one.place - first[one.gram] for one in shared):
        if last is None or start > last + slack:
            last = start
            yield start
