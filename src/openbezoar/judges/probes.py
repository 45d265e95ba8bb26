"""Bad answers made on purpose, to see whether a judge tells them from the real ones."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from openbezoar import jsonl
from openbezoar.records import Example, Grade, Message, Record
from openbezoar.statistics import Interval, auc, auc_interval, wilson

__all__ = ["GOOD", "HARD_PAIRS", "KINDS", "Discrimination", "discrimination", "hard", "plant"]

KINDS = ("mismatched", "refusal", "junk", "shuffled", "truncated")
"""The kinds of bad answer made from the rows themselves."""
REAL, RIGHT, WRONG = "real", "hard_right", "hard_wrong"
GOOD = (REAL, RIGHT)
"""The good answers: those of the rows, and those of the hard pairs, written by hand."""
HARD_PAIRS = 24
HARD = Path(__file__).with_name("hard_pairs.jsonl")
REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "Sorry, I am only a language model and I have no answer to this question.",
    "Unfortunately this is something I am not able to do.",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789#%&"
FEW = 4
"""With fewer words, shuffling or cutting may leave a good answer."""

_WORD = re.compile(r"\S+")


class Pair(Record):
    """A right answer, and one that is subtly wrong."""

    id: str
    instruction: str
    good: str
    bad: str
    flaw: str


class Area(NamedTuple):
    """How often a good answer is rated above a bad one; nothing where none could be compared."""

    value: float | None
    interval: Interval | None


class Accepted(NamedTuple):
    """How many answers of one kind were accepted, of those whose grade could be read."""

    accepted: int
    n: int
    unreadable: int


class Discrimination(NamedTuple):
    """How well a judge tells good answers from bad ones."""

    areas: dict[str, Area]
    """By kind of bad answer: planted ones against the real, hard wrong ones against the right."""
    pooled: Area
    """All planted kinds together."""
    accepted: dict[str, Accepted]
    """By kind, the good ones first."""

    def numbers(self) -> dict[str, JsonValue]:
        """The figures as a manifest holds them."""
        counts = self.accepted.items()
        return {
            "auc": {kind: _rounded(area.value) for kind, area in self.areas.items()},
            "auc_interval": {kind: _bounds(area.interval) for kind, area in self.areas.items()},
            "auc_pooled": _rounded(self.pooled.value),
            "auc_pooled_interval": _bounds(self.pooled.interval),
            "accepted": {k: _rounded(c.accepted / c.n) if c.n else None for k, c in counts},
            "accepted_interval": {
                k: _bounds(wilson(c.accepted, c.n)) if c.n else None for k, c in counts
            },
            "n": {kind: count.n for kind, count in counts},
            "unreadable": {kind: count.unreadable for kind, count in counts},
        }


def plant(rows: Sequence[Example], stream: random.Random) -> dict[str, list[Example]]:
    """Bad versions of the rows by kind; a row without a bad version of a kind is left out."""
    planted: dict[str, list[Example]] = {kind: [] for kind in KINDS}
    for place, row in enumerate(rows):
        answers = {
            "mismatched": _of_another(rows, place, stream),
            "refusal": stream.choice(REFUSALS),
            "junk": _junk(stream),
            "shuffled": _shuffled(row.answer, stream),
            "truncated": _truncated(row.answer),
        }
        for kind, answer in answers.items():
            if answer != row.answer:
                planted[kind].append(_answered(row, kind, answer))
    return planted


def hard(count: int, stream: random.Random) -> dict[str, list[Example]]:
    """Right and subtly wrong answers to some of the instructions that were written by hand."""
    pairs = stream.sample(_pairs(), k=min(count, len(_pairs())))
    return {
        RIGHT: [_written(pair, RIGHT, pair.good) for pair in pairs],
        WRONG: [_written(pair, WRONG, pair.bad) for pair in pairs],
    }


def discrimination(
    grades: Mapping[str, Sequence[Grade]], keeps: Callable[[Grade], bool]
) -> Discrimination:
    """Compare the grades by kind of answer; unreadable ones are counted and left out."""
    ratings = {kind: _ratings(given) for kind, given in grades.items()}
    bad = [kind for kind in grades if kind not in GOOD]
    planted = [rating for kind in bad if kind != WRONG for rating in ratings[kind]]
    real, right = ratings.get(REAL, []), ratings.get(RIGHT, [])
    first = sorted(grades, key=lambda kind: kind not in GOOD)
    return Discrimination(
        areas={kind: _area(right if kind == WRONG else real, ratings[kind]) for kind in bad},
        pooled=_area(real, planted),
        accepted={kind: _counted(grades[kind], keeps) for kind in first},
    )


def _of_another(rows: Sequence[Example], place: int, stream: random.Random) -> str:
    if len(rows) == 1:
        return rows[place].answer
    return rows[(place + stream.randrange(1, len(rows))) % len(rows)].answer


def _junk(stream: random.Random) -> str:
    lengths = [stream.randint(2, 9) for _ in range(stream.randint(6, 24))]
    return " ".join("".join(stream.choices(LETTERS, k=length)) for length in lengths)


def _shuffled(answer: str, stream: random.Random) -> str:
    """Its words in another order; what stands between words stays, so that nothing else tells."""
    words = _WORD.findall(answer)
    mixed = iter(stream.sample(words, k=len(words)))
    return _WORD.sub(lambda _: next(mixed), answer) if len(words) >= FEW else answer


def _truncated(answer: str) -> str:
    ends = [word.end() for word in _WORD.finditer(answer)]
    return answer[: ends[len(ends) // 2 - 1]] if len(ends) >= FEW else answer


def _answered(row: Example, kind: str, answer: str) -> Example:
    messages = (*row.messages[:-1], Message(role="assistant", content=answer))
    return row.model_copy(update={"id": f"{row.id}~{kind}", "messages": messages})


def _written(pair: Pair, kind: str, answer: str) -> Example:
    asked = Message(role="user", content=pair.instruction)
    answered = Message(role="assistant", content=answer)
    return Example(id=f"{pair.id}~{kind}", messages=(asked, answered))


@cache
def _pairs() -> tuple[Pair, ...]:
    return tuple(Pair.model_validate(raw) for _, raw in jsonl.read_objects(HARD))


def _ratings(grades: Sequence[Grade]) -> list[float]:
    read = [grade for grade in grades if grade.status is not None]
    return [grade.rating for grade in read if grade.rating is not None]


def _area(good: Sequence[float], bad: Sequence[float]) -> Area:
    value = auc(good, bad)
    return Area(value, None if value is None else auc_interval(value, len(good), len(bad)))


def _counted(grades: Sequence[Grade], keeps: Callable[[Grade], bool]) -> Accepted:
    read = [grade for grade in grades if grade.status is not None]
    return Accepted(sum(map(keeps, read)), len(read), len(grades) - len(read))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _bounds(interval: Interval | None) -> list[JsonValue] | None:
    return None if interval is None else [round(bound, 4) for bound in interval]
