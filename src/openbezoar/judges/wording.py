"""How answers are put before a judge: our own prompts, in which no answer can pass for more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from openbezoar import prompts
from openbezoar.judges.verdicts import Asked
from openbezoar.records import Message

__all__ = ["PAIR", "RATE", "Exchange", "OwnWording", "Wording", "harmless"]

RATE, PAIR = "mt_bench_grade", "mt_bench_pair"

_TAG = re.compile(
    r"<(?=\s*/?\s*(?:user-question|assistant-answer|reference-answer|conversation)\b)", re.I
)


@dataclass(frozen=True)
class Exchange:
    """One turn: what was asked, what the assistant said, and an answer known to be good."""

    question: str
    answer: str
    reference: str = ""


class Wording(Protocol):
    """Puts the last answer of a conversation before a judge."""

    def rate(self, exchanges: Sequence[Exchange]) -> Asked:
        """Ask for a rating from 1 to 10."""

    def compare(self, first: Sequence[Exchange], second: Sequence[Exchange]) -> Asked:
        """Ask which of two answers to the same questions is better: A, the first, B, or C: none."""

    def name_for(self, exchanges: Sequence[Exchange], pair: bool = False) -> str:
        """The name of the prompt that would be used."""


@dataclass(frozen=True)
class OwnWording:
    """The prompts of this package."""

    as_json: bool = False
    """Whether a rating is asked for as JSON."""

    def rate(self, exchanges: Sequence[Exchange]) -> Asked:
        """Ask for a rating of the last answer."""
        return _asked(prompts.render(RATE, turns=_harmless(exchanges), as_json=self.as_json))

    def compare(self, first: Sequence[Exchange], second: Sequence[Exchange]) -> Asked:
        """Ask which of the two last answers is better."""
        sides = {"A": _harmless(first), "B": _harmless(second)}
        return _asked(prompts.render(PAIR, turns=sides["A"], sides=sides))

    def name_for(self, exchanges: Sequence[Exchange], pair: bool = False) -> str:
        """One prompt serves every conversation."""
        return PAIR if pair else RATE


def harmless(text: str) -> str:
    """The text unable to close its tags or to hold what would read as a verdict."""
    text = _TAG.sub("\u2039", text)
    return re.sub(r"\[(?=\[)", "[ ", re.sub(r"\](?=\])", "] ", text))


def _harmless(exchanges: Sequence[Exchange]) -> list[dict[str, str]]:
    return [{name: harmless(text) for name, text in vars(one).items()} for one in exchanges]


def _asked(text: str) -> Asked:
    return (Message(role="user", content=text),)
