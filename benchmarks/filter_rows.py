"""Synthetic rows for benchmarks/filters.py: Zipfian words, real sentences, planted repetitions."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from openbezoar import jsonl

ASKED, ANSWERED = 20, 93
"""Words of a question and an answer, together about 150 tokens."""
REAL = 0.3
"""The share of sentences that are taken from Dolly, word for word."""
SAME, NEAR = 0.02, 0.05
"""Up to the first share a row repeats an earlier one; up to the second, but for three words."""


class Rows:
    """Rows that depend on their number alone."""

    def __init__(self, data: Path) -> None:
        path = next((data / "dolly").glob("databricks-dolly-15k.jsonl*"))
        texts = [raw["response"] for _, raw in jsonl.read_objects(path)]
        counted = Counter(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
        self._words, counts = zip(*counted.most_common(), strict=True)
        self._weights = list(accumulate(counts))
        found = (one for text in texts for one in re.split(r"(?<=[.!?])\s+", text))
        self._sentences = sorted({one for one in found if 5 <= len(one.split()) <= 30})

    def first(self, count: int) -> Iterator[dict[str, Any]]:
        """The rows from number 0 on; an id says whether and what a row repeats."""
        return (self.row(number) for number in range(count))

    def row(self, number: int) -> dict[str, Any]:
        """One row, which may repeat an earlier one."""
        stream = random.Random(number)
        kind = _kind(stream)
        if kind == "new" or number < 10:
            return self._new(f"new-{number}", stream)
        earlier = stream.randrange(number)
        while earlier > 9 and _kind(random.Random(earlier)) != "new":
            earlier = stream.randrange(number)
        made = self.row(earlier)
        if kind == "near":
            answer = made["answer"].split()
            for place in stream.sample(range(len(answer)), 3):
                answer[place] = stream.choice(self._words)
            made["answer"] = " ".join(answer)
        return {**made, "id": f"{kind}-{number}"}

    def _new(self, id_: str, stream: random.Random) -> dict[str, Any]:
        return {
            "id": id_,
            "instruction": self._text(ASKED, stream),
            "answer": self._text(ANSWERED, stream),
        }

    def _text(self, length: int, stream: random.Random) -> str:
        words: list[str] = []
        while len(words) < length:
            if stream.random() < REAL:
                words += stream.choice(self._sentences).split()
                continue
            made = stream.choices(self._words, cum_weights=self._weights, k=stream.randint(8, 18))
            words += [made[0].capitalize(), *made[1:-1], f"{made[-1]}."]
        return " ".join(words[:length])


def _kind(stream: random.Random) -> str:
    drawn = stream.random()
    return "same" if drawn < SAME else "near" if drawn < NEAR else "new"
