"""How often the better answer is ranked first: over all pairs, by part, and with length held."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from openbezoar.records import Preference, Score
from openbezoar.statistics import share, wilson

__all__ = ["Ranked", "ranking", "turns"]

MANY_TURNS = 4
"""Questions from which prompts are counted together; longer ones are few in HH-RLHF."""


class Ranked(NamedTuple):
    """A pair, by how much its chosen answer is ahead, and the tokens of both answers.

    Without a margin the pair could not be read; it counts as missing.
    """

    row: Preference
    margin: float | None = None
    chosen_tokens: int = 0
    rejected_tokens: int = 0


def ranking(name: str, ranked: Sequence[Ranked], band: float, note: str = "") -> list[Score]:
    """The share ranked as people ranked, ties lost: whole, by part, and twice with length held.

    By part: each subset, and prompts of one, two, three, and four or more questions, where there
    are several. Lengths are held in two ways, since a preference for longer answers alone explains
    much of the data: `similar_length` counts the pairs whose answers differ by at most the share
    `band` of the longer one; `length_balanced` is the mean of two shares, of pairs whose chosen
    answer is the longer and of those whose chosen answer is the shorter. Whoever always takes
    the longer answer, or always the shorter, gets one half there. Where the pairs that a share
    rests on are not among the data, it is not given.
    """
    scores = [_share(f"{name}{part}", members, note) for part, members in _parts(ranked).items()]
    if similar := _similar(ranked, band):
        scores.append(_share(f"{name}.similar_length", similar, note))
    balanced = _balanced(f"{name}.length_balanced", ranked, note)
    return [*scores, balanced] if balanced else scores


def turns(row: Preference) -> int:
    """How many questions the prompt holds."""
    return sum(message.role == "user" for message in row.prompt)


def _parts(ranked: Sequence[Ranked]) -> dict[str, Sequence[Ranked]]:
    """All pairs, then each subset and each number of questions where there are several."""
    parts: dict[str, Sequence[Ranked]] = {"": ranked}
    for name_of in (_subset, _depth):
        names = sorted({name_of(one.row) for one in ranked} - {""})
        for name in names if len(names) > 1 else []:
            parts[f".{name}"] = [one for one in ranked if name_of(one.row) == name]
    return parts


def _subset(row: Preference) -> str:
    return row.subset


def _depth(row: Preference) -> str:
    count = turns(row)
    return f"turns_{MANY_TURNS}_or_more" if count >= MANY_TURNS else f"turns_{count}"


def _similar(ranked: Sequence[Ranked], band: float) -> list[Ranked]:
    read = [one for one in ranked if one.margin is not None]
    return [
        one
        for one in read
        if abs(one.chosen_tokens - one.rejected_tokens)
        <= band * max(one.chosen_tokens, one.rejected_tokens)
    ]


def _share(name: str, ranked: Sequence[Ranked], note: str) -> Score:
    margins = [one.margin for one in ranked if one.margin is not None]
    found = share(sum(margin > 0 for margin in margins), len(margins))
    is_known = found.value is not None
    return Score(
        name=name, value=found.value, n=found.n, missing=len(ranked) - len(margins),
        standard_error=found.standard_error, low=found.low if is_known else None,
        high=found.high if is_known else None, note=note,
    )  # fmt: skip


def _balanced(name: str, ranked: Sequence[Ranked], note: str) -> Score | None:
    read = [one for one in ranked if one.margin is not None]
    longer = [one for one in read if one.chosen_tokens > one.rejected_tokens]
    shorter = [one for one in read if one.chosen_tokens < one.rejected_tokens]
    if not longer or not shorter:
        return None
    wins = [sum((one.margin or 0) > 0 for one in side) for side in (longer, shorter)]
    shares = [count / len(side) for count, side in zip(wins, (longer, shorter), strict=True)]
    bounds = [wilson(count, len(side)) for count, side in zip(wins, (longer, shorter), strict=True)]
    value = sum(shares) / 2
    # the two intervals joined as Newcombe joins those of a difference
    down = math.hypot(*(at - side.low for at, side in zip(shares, bounds, strict=True))) / 2
    up = math.hypot(*(side.high - at for at, side in zip(shares, bounds, strict=True))) / 2
    told = f"chosen longer in {len(longer)}, shorter in {len(shorter)}"
    return Score(
        name=name, value=value, n=len(longer) + len(shorter), missing=len(ranked) - len(read),
        low=value - down, high=value + up, note=f"{note}, {told}" if note else told,
    )  # fmt: skip
