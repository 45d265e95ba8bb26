"""How the judges of a store told bad answers from good ones, and agreed with a person's labels."""

import re
from typing import NamedTuple

from openbezoar.records import Score
from openbezoar.report.contents import Contents
from openbezoar.report.numbers import FilterNumbers
from openbezoar.report.pieces import Bounds, CalibrationNumbers, JudgeNumbers

__all__ = ["FIGURES", "Line", "Trial", "trials"]

FIGURES = {
    "kappa": "agreement beyond what chance alone gives",
    "agreement": "of the labelled rows, those on which judge and person agree",
    "precision": "of the rows it keeps, those a person accepts",
    "recall": "of the rows a person accepts, those it keeps",
}
"""What a calibration measures."""

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
    calibration: CalibrationNumbers | None
    """What a person's labels say; None for a judge whose own verdicts are taken as they are."""

    @property
    def stale(self) -> bool:
        """Whether the labels were compared with another judge than this one."""
        measured = self.calibration
        return measured is not None and measured.judge.fingerprint != self.numbers.mark

    @property
    def figures(self) -> list[Score]:
        """The figures of the calibration, by name."""
        measured = {name: getattr(self.calibration, name) for name in FIGURES}
        return [
            Score(name=name, value=one.value, low=one.low, high=one.high, n=one.n)
            for name, one in measured.items()
        ]

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
        Trial(
            made.name,
            judge,
            _cautions(judge),
            made.numbers.warnings,
            _calibration(judge, made.numbers),
        )
        for made in contents.latest
        if isinstance(made.numbers, FilterNumbers)
        for judge in made.numbers.judges
    ]


def _calibration(judge: JudgeNumbers, numbers: FilterNumbers) -> CalibrationNumbers | None:
    """A stage notes one calibration: that of its only judge, or of the one it names."""
    found = numbers.calibration
    named = found is not None and found.judge.fingerprint == judge.mark
    return found if named or len(numbers.judges) == 1 else None


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
