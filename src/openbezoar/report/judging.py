"""How the judges of a store told bad answers from good ones."""

import re
from typing import NamedTuple

from openbezoar.report.contents import Contents
from openbezoar.report.numbers import Bounds, FilterNumbers, JudgeNumbers

__all__ = ["Line", "Trial", "trials"]

SMALL = 1e9
"""Parameters below which a model's sense of an answer is called small."""
WORDS = {"hard_right": "hard: right", "hard_wrong": "hard: wrong"}
GOOD = ("real", "hard_right")
TOLD_APART = 0.7
"""The area below which a judge is said not to see subtle mistakes."""


class Line(NamedTuple):
    """The figures of one kind of answer."""

    kind: str
    good: bool
    n: int
    unreadable: int
    accepted: float | None
    accepted_interval: Bounds
    auc: float | None
    auc_interval: Bounds


class Trial(NamedTuple):
    """One judge, and how it was tried."""

    stage: str
    numbers: JudgeNumbers
    cautions: tuple[str, ...]
    """What to bear in mind of any judge of this kind, and of these figures."""
    warnings: tuple[str, ...]
    """What was said of the stage when it was made."""

    @property
    def lines(self) -> list[Line]:
        """The kinds of answer, the good ones first; none where the judge was trusted untried."""
        shown = self.numbers
        return [
            Line(
                WORDS.get(kind, kind),
                kind in GOOD,
                shown.n.get(kind, 0),
                shown.unreadable.get(kind, 0),
                share,
                shown.accepted_interval.get(kind),
                shown.auc.get(kind),
                shown.auc_interval.get(kind),
            )
            for kind, share in shown.accepted.items()
        ]


def trials(contents: Contents) -> list[Trial]:
    """The trial of every judge, in the order of making."""
    return [
        Trial(made.name, judge, _cautions(judge), made.numbers.warnings)
        for made in contents.latest
        if isinstance(made.numbers, FilterNumbers)
        for judge in made.numbers.judges
    ]


def _cautions(judge: JudgeNumbers) -> tuple[str, ...]:
    found = [_of_likelihood(judge.label or judge.model)] if judge.judge == "likelihood" else []
    subtle = judge.auc.get("hard_wrong")
    if subtle is not None and subtle < TOLD_APART:
        found.append(
            f"It hardly tells right answers from subtly wrong ones (AUC {subtle:.2f} on pairs "
            "written by hand): what it keeps may still be wrong."
        )
    return tuple(found)


def _of_likelihood(model: str) -> str:
    who = f"a small model, {model}," if _is_small(model) else model
    return (
        f"This is a likelihood judge: it reads no verdict, it measures how likely {who} "
        "finds each answer with its instruction and without it. It tells answers that do not fit "
        "from answers that do; it does not know whether an answer is true or helpful."
    )


def _is_small(model: str) -> bool:
    found = re.search(r"(\d+(?:\.\d+)?)\s?([mb])(?![a-z])", model.lower())
    return found is not None and float(found[1]) * {"m": 1e6, "b": 1e9}[found[2]] < SMALL
