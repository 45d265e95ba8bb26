"""Bad answers made on purpose, to see whether a judge tells them from the real ones."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from openbezoar.records import Example, Grade, Message
from openbezoar.statistics import auc

__all__ = ["KINDS", "Discrimination", "discrimination", "plant"]

KINDS = ("mismatched", "refusal", "junk", "shuffled", "truncated")
"""The kinds of bad answer; the real ones are called `real`."""
REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "Sorry, I am only a language model and I have no answer to this question.",
    "Unfortunately this is something I am not able to do.",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789#%&"
FEW = 4
"""With fewer words, shuffling or cutting may leave a good answer."""


class Discrimination(NamedTuple):
    """How well a judge tells real answers from bad ones."""

    auc: dict[str, float | None]
    """How often a real answer is rated above a bad one, by kind."""
    pooled: float | None
    """The same over all kinds together."""
    accepted: dict[str, float | None]
    """The share accepted, by kind."""
    rated: dict[str, int]
    """How many grades could be read, by kind."""

    def numbers(self) -> dict[str, JsonValue]:
        """The figures as a manifest holds them."""
        return {
            "auc": {kind: _rounded(value) for kind, value in self.auc.items()},
            "auc_pooled": _rounded(self.pooled),
            "accepted": {kind: _rounded(value) for kind, value in self.accepted.items()},
            "n": dict(self.rated),
        }


def plant(rows: Sequence[Example], stream: random.Random) -> dict[str, list[Example]]:
    """Bad versions of the rows by kind; a row without a bad version of a kind is left out."""
    planted: dict[str, list[Example]] = {kind: [] for kind in KINDS}
    for place, row in enumerate(rows):
        words = row.answer.split()
        answers = {
            "mismatched": _of_another(rows, place, stream),
            "refusal": stream.choice(REFUSALS),
            "junk": _junk(stream),
            "shuffled": _shuffled(words, stream) if len(words) >= FEW else row.answer,
            "truncated": " ".join(words[: len(words) // 2]) if len(words) >= FEW else row.answer,
        }
        for kind, answer in answers.items():
            if answer != row.answer:
                planted[kind].append(_answered(row, kind, answer))
    return planted


def discrimination(real: Sequence[Grade], bad: Mapping[str, Sequence[Grade]]) -> Discrimination:
    """Compare the grades of real answers with those of bad ones; unreadable ones are left out."""
    good = _ratings(real)
    ratings = {kind: _ratings(grades) for kind, grades in bad.items()}
    everything = {"real": real, **bad}
    return Discrimination(
        auc={kind: auc(good, values) for kind, values in ratings.items()},
        pooled=auc(good, [value for values in ratings.values() for value in values]),
        accepted={kind: _accepted(grades) for kind, grades in everything.items()},
        rated={kind: len(_ratings(grades)) for kind, grades in everything.items()},
    )


def _of_another(rows: Sequence[Example], place: int, stream: random.Random) -> str:
    if len(rows) == 1:
        return rows[place].answer
    return rows[(place + stream.randrange(1, len(rows))) % len(rows)].answer


def _junk(stream: random.Random) -> str:
    lengths = [stream.randint(2, 9) for _ in range(stream.randint(6, 24))]
    return " ".join("".join(stream.choices(LETTERS, k=length)) for length in lengths)


def _shuffled(words: Sequence[str], stream: random.Random) -> str:
    return " ".join(stream.sample(words, k=len(words)))


def _answered(row: Example, kind: str, answer: str) -> Example:
    messages = (*row.messages[:-1], Message(role="assistant", content=answer))
    return row.model_copy(update={"id": f"{row.id}~{kind}", "messages": messages})


def _ratings(grades: Sequence[Grade]) -> list[float]:
    read = [grade for grade in grades if grade.status is not None]
    return [grade.rating for grade in read if grade.rating is not None]


def _accepted(grades: Sequence[Grade]) -> float | None:
    read = [grade.status == "Accept" for grade in grades if grade.status is not None]
    return sum(read) / len(read) if read else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
