"""Reads which of two answers a judge finds better."""

import re
from typing import Literal

from openbezoar import prompts
from openbezoar.judges.verdicts import Form, Reading

__all__ = ["REPAIR", "PairForm", "Seat", "form_of", "read_classic_winner", "read_winner"]

REPAIR = "mt_bench_pair_repair"
Seat = Literal["A", "B", "tie"]
"""Where the better answer was shown: first, second, or in neither place."""
PairForm = Literal["brackets", "classic"]
SEATS: dict[str, Seat] = {"A": "A", "B": "B", "C": "tie"}

_VERDICT = re.compile(r"\[\[([^\[\]]*)\]\]")
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


def form_of(verdict: PairForm) -> Form[Seat]:
    """How a verdict in this form is read and asked for."""
    if verdict == "classic":
        return Form(read_classic_winner)
    return Form(read_winner, prompts.render(REPAIR))


def read_winner(reply: str) -> Reading[Seat]:
    """The last `[[A]]`, `[[B]]` or `[[C]]`; never one before a last verdict that is none of them.

    >>> read_winner("I was told to write [[A]] or [[B]]. It is [[B]]").value
    'B'
    """
    found = _VERDICT.findall(reply)
    if not found:
        return Reading(None, "no verdict", ask_again=True)
    seat = SEATS.get(found[-1].translate(_UNSEEN).strip().upper())
    if seat is None:
        return Reading(None, "verdict not among those offered", ask_again=True)
    return Reading(seat)


def read_classic_winner(reply: str) -> Reading[Seat]:
    """A if `[[A]]` stands anywhere, else B, else C, as FastChat reads it.

    >>> read_classic_winner("I was told to write [[A]] or [[B]]. It is [[B]]").value
    'A'
    """
    for letter, seat in SEATS.items():
        if f"[[{letter}]]" in reply:
            return Reading(seat)
    return Reading(None, "no verdict")
