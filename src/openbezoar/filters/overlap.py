"""Finds texts in other texts: shared n-grams say where to look, shared words in order how much."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from openbezoar.filters.words import words_of

__all__ = ["Hit", "Index", "Rule", "Sought", "ngrams"]

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
    """Texts, ready to be looked for: about 200 bytes for each of their words."""

    def __init__(self, texts: Sequence[Sought], rule: Rule) -> None:
        self._texts, self._rule = texts, rule
        self._weights = _weights(texts)
        self._totals = [sum([self._weights[word] for word in text.words]) for text in texts]
        self._postings = _postings(texts, rule)
        self._least = [self._least_shared(text) for text in texts]

    def search(self, text: str) -> list[Hit]:
        """The texts that stand in this one, the best found first."""
        words = words_of(text)
        grams = ngrams(words, self._rule.ngram)
        shared = self._postings.keys() & grams
        if not shared:
            return []
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, gram in enumerate(grams):
            if gram in shared:
                for number in self._postings[gram]:
                    places[number].append(place)
        likely = [number for number, found in places.items() if len(found) >= self._least[number]]
        known = set(words) if likely else set()
        looks = (self._look(number, words, known, places[number]) for number in likely)
        hits = [hit for hit in looks if hit is not None]
        return sorted(hits, key=lambda hit: (-hit.score, -len(hit.sought.words), hit.sought.items))

    def _look(
        self, number: int, words: list[str], known: set[str], places: list[int]
    ) -> Hit | None:
        """Compare the words, wherever an n-gram says that the text may stand."""
        sought, total = self._texts[number], self._totals[number]
        least = self._rule.least(len(sought.words)) * total - 1e-9  # rounding is no difference
        if total - self._missing(sought.words, known, total - least) < least:
            return None
        slack = max(3, sought.stretch // 4)
        for start in _starts(sought.words, words, places, self._rule.ngram, slack):
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

    def _least_shared(self, text: Sought) -> int:
        telling = self._postings.keys() & ngrams(text.words, self._rule.ngram)
        return max(1, math.ceil(SHARE_OF_NGRAMS * len(telling)))


def ngrams(words: Sequence[str], length: int) -> list[int]:
    """The hash of every n-gram, in order.

    Python's hash of words differs between processes, which changes nothing: the words themselves
    are compared before anything is said, and of ten million indexes with a million n-grams not one
    is expected in which two n-grams share a hash of 64 bits and so count as one.
    """
    return list(map(hash, zip(*[words[place:] for place in range(length)], strict=False)))


def _weights(texts: Sequence[Sought]) -> dict[str, float]:
    """One and more: the natural logarithm of how rare a word is among the texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(text.words))
    return {word: 1 + math.log(len(texts) / count) for word, count in counts.items()}


def _postings(texts: Sequence[Sought], rule: Rule) -> dict[int, tuple[int, ...]]:
    """The texts of every n-gram that is not boilerplate."""
    postings: dict[int, tuple[int, ...]] = {}
    for number, text in enumerate(texts):
        alone = (number,)  # one object for all its n-grams
        for gram in set(ngrams(text.words, rule.ngram)):
            held = postings.setdefault(gram, alone)
            if held is not alone and held:
                postings[gram] = (*held, number) if len(held) < rule.boilerplate else ()
    for gram in [gram for gram, held in postings.items() if not held]:
        del postings[gram]
    return postings


def _starts(
    sought: Sequence[str], words: list[str], places: list[int], length: int, slack: int
) -> Iterator[int]:
    """Where the text would begin, seen from each n-gram; starts closer than the slack are one."""
    first: dict[int, int] = {}
    for place, gram in enumerate(ngrams(sought, length)):
        first.setdefault(gram, place)
    grams = (hash(tuple(words[place : place + length])) for place in places)
    last: int | None = None
    for start in sorted(place - first[gram] for place, gram in zip(places, grams, strict=True)):
        if last is None or start > last + slack:
            last = start
            yield start
