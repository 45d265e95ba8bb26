"""Chooses the words by which a benchmark's item is looked for."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from openbezoar.families import Item
from openbezoar.filters.items.grams import Owned, owned
from openbezoar.filters.items.overlap import Rule, Sought
from openbezoar.filters.items.words import words_of

__all__ = ["Wanted", "choose"]

Words = tuple[str, ...]


class Wanted(NamedTuple):
    """The texts to look for, and how far they stand for the items."""

    texts: list[Sought]
    items: dict[str, int]
    """The items of each benchmark."""
    unsearchable: dict[str, int]
    """Those too short or too common to be told from other texts, by benchmark."""


class _Read(NamedTuple):
    """An item in words."""

    benchmark: str
    id: str
    texts: list[Words]
    answer: Words
    choices: list[Words]


def choose(items: Iterable[Item], rule: Rule, least_words: int) -> Wanted:
    """Each of an item's own texts stands for it, if it has enough words and they are its own.

    Where none does, the texts are looked for together with the right answer, and together with all
    choices, close to each other and in this order. Where even that is no longer than one n-gram,
    the item is not looked for, and counted.
    """
    known: dict[str, str] = {}
    read = [_read(item, known) for item in items]
    telling = iter(_telling(read, rule))
    owners: dict[Words, tuple[int, dict[tuple[str, str], None]]] = {}
    unsearchable: Counter[str] = Counter()
    for item in read:
        standing = [
            (text, len(text))
            for text, tells in zip(item.texts, telling, strict=False)
            if tells and len(text) >= least_words
        ]
        chosen = standing or _together(item, rule.ngram)
        for words, stretch in chosen:
            widest, named = owners.setdefault(words, (stretch, {}))
            named[item.benchmark, item.id] = None
            owners[words] = (max(widest, stretch), named)
        unsearchable[item.benchmark] += not chosen
    texts = [Sought(words, stretch, tuple(named)) for words, (stretch, named) in owners.items()]
    return Wanted(texts, dict(Counter(item.benchmark for item in read)), dict(+unsearchable))


def _read(item: Item, known: dict[str, str]) -> _Read:
    def words(text: str) -> Words:
        return tuple([known.setdefault(word, word) for word in words_of(text)])

    return _Read(
        item.benchmark,
        item.id,
        [words(text) for text in item.texts],
        words(item.answer),
        [words(choice) for choice in item.choices],
    )


def _telling(read: list[_Read], rule: Rule) -> list[bool]:
    """Whether at least half of a text is not boilerplate, for every text of the items, in order.

    Boilerplate are n-grams that many items share, such as `which of the following is`.
    """
    found = owned([text for item in read for text in item.texts], rule.ngram)
    items = np.array([place for place, item in enumerate(read) for _ in item.texts], np.intp)
    by_item = Owned(found.grams, items[found.owners]).distinct()
    grams, sharers = np.unique(by_item.grams, return_counts=True)
    common = np.isin(found.grams, grams[sharers > rule.boilerplate])
    held = np.bincount(found.owners, minlength=len(items))
    boilerplate = np.bincount(found.owners[common], minlength=len(items))
    telling: list[bool] = ((held > 0) & (2 * boilerplate <= held)).tolist()
    return telling


def _together(item: _Read, length: int) -> list[tuple[Words, int]]:
    asked = tuple(word for text in item.texts for word in text)
    choices = tuple(word for choice in item.choices for word in choice)
    stretch = len(asked) + len(choices) + len(item.answer)
    ways = [asked + item.answer, *([asked + choices] if choices else [])]
    return [(words, stretch) for words in ways if len(words) > length]
