"""Qualifies a judge: it is tried on good and on bad answers before it decides about any row."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple

from openbezoar.component import science
from openbezoar.driver import over_rows
from openbezoar.errors import DataError, ParseError
from openbezoar.families import Judge, ModelSpec, Run
from openbezoar.judges.calibrated import JudgeMark
from openbezoar.judges.probes import (
    HARD_PAIRS,
    KINDS,
    REAL,
    Discrimination,
    discrimination,
    hard,
    plant,
)
from openbezoar.records import Example, Grade
from openbezoar.store import Artifact

__all__ = ["Trial", "expected_probes", "kin", "probes_of", "qualified", "tried"]

ENOUGH = 8
"""With fewer real answers graded the judge is measured, but not held to the figure."""
BROKEN = 0.5
"""The share of real answers without a readable verdict from which on nothing can be filtered."""


@dataclass(frozen=True)
class Trial:
    """What became of a judge's trial."""

    shown: Discrimination
    complaints: Counter[str]
    """Why there was no verdict on a real answer, by how often."""

    def trust(self, judge: Judge, least_auc: float) -> None:
        """Raise DataError, with the figures and the fix, when the judge is not fit to filter."""
        real, who = self.shown.accepted[REAL], f"judge {judge.kind} on model {judge.model!r}"
        lost = real.unreadable
        if lost > BROKEN * (real.n + lost):
            raise DataError(
                f"{who} gave no readable verdict on {lost} of {real.n + lost} real answers "
                f"(most often: {self.complaints.most_common(1)[0][0]}); mend what it names, "
                "or use another judge or model"
            )
        pooled = self.shown.pooled.value
        if real.n >= ENOUGH and pooled is not None and pooled < least_auc:
            areas = {kind: area.value for kind, area in self.shown.areas.items()}
            parts = [f"{kind} {value:.2f}" for kind, value in areas.items() if value is not None]
            raise DataError(
                f"{who} cannot tell good answers from bad ones (AUC {pooled:.2f} on {real.n} rows, "
                f"below {least_auc}: {', '.join(parts)}); use another judge or model, or lower "
                "`least_auc`"
            )


class Known(NamedTuple):
    """An earlier trial of a judge."""

    stage: str
    figures: Mapping[str, Any]


def probes_of(rows: Sequence[Example], stream: random.Random) -> list[tuple[str, Example]]:
    """Real answers, bad ones made from them, and as many hard pairs, each with its kind."""
    kinds = {REAL: list(rows), **plant(rows, stream), **hard(len(rows), stream)}
    return [(kind, row) for kind, probes in kinds.items() for row in probes]


def expected_probes(rows: int) -> float:
    """How many probes a row of so many gives: itself, a bad one a kind, and the hard pairs."""
    return 1 + len(KINDS) + 2 * min(rows, HARD_PAIRS) / rows if rows else 0


async def tried(
    grade: Run, probes: Sequence[tuple[str, Example]], keeps: Callable[[Grade], bool]
) -> Trial:
    """Let a judge grade the probes; `keeps` says which grades keep a row."""
    grades: dict[str, list[Grade]] = {kind: [] for kind, _ in probes}
    complaints: Counter[str] = Counter()

    async def grade_probe(probe: tuple[str, Example]) -> Grade:
        given: Grade = await grade(probe[1])
        return given

    # All at once: a model holds back by itself, and one that sends batches fills them.
    async with aclosing(over_rows(probes, grade_probe, max(1, len(probes)))) as outcomes:
        async for outcome in outcomes:
            given = outcome.result or Grade()
            grades[outcome.row[0]].append(given)
            if given.status is None and outcome.row[0] == REAL:
                complaints[_complaint(outcome.error)] += 1
    return Trial(discrimination(grades, keeps), complaints)


def qualified(judge: Judge, spec: ModelSpec, stage: str, artifacts: Sequence[Artifact]) -> str:
    """What a store knows of a judge, in words: its figure in this stage, or else in another."""
    found = _known(JudgeMark.of(judge, spec).fingerprint, stage, artifacts)
    who = f"judge {judge.kind} on {judge.model}"
    if found is None:
        return f"{who}: untried"
    where = "" if found.stage == stage else f" in {found.stage}"
    area, (low, high) = found.figures["auc_pooled"], found.figures["auc_pooled_interval"]
    return f"{who}: AUC {area:.2f} ({low:.2f} to {high:.2f}){where}"


def kin(one: ModelSpec, other: ModelSpec) -> bool:
    """Whether two models are the same one: by their settings, or by what they are called."""
    return science(one) == science(other) or _bare(one.label) == _bare(other.label)


def _known(mark: str, stage: str, artifacts: Iterable[Artifact]) -> Known | None:
    """The latest trial of the judge with this mark in a store, one in the same stage first."""
    found = [
        Known(artifact.manifest.stage, figures)
        for artifact in artifacts
        for figures in _trials(artifact)
        if figures.get("mark") == mark and figures.get("auc_pooled") is not None
    ]
    return max(reversed(found), key=lambda trial: trial.stage == stage, default=None)


def _complaint(error: ParseError | None) -> str:
    return "no verdict in the reply" if error is None else str(error)


def _trials(artifact: Artifact) -> list[Mapping[str, Any]]:
    noted = artifact.numbers.get("judges")
    return [entry for entry in noted if isinstance(entry, dict)] if isinstance(noted, list) else []


def _bare(label: str) -> str:
    """A model's name without its owner, its folder or its file's ending."""
    return label.rstrip("/").rsplit("/", maxsplit=1)[-1].removesuffix(".gguf").casefold()
