"""A stage's judge beside a person's labels: what to label, what they say, and the threshold."""

import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from openbezoar import files
from openbezoar.calibration import pool
from openbezoar.calibration.agreement import (
    Agreement,
    Judgement,
    Point,
    agreement,
    choose,
    curve,
    discrimination,
)
from openbezoar.calibration.desk import Desk
from openbezoar.calibration.grading import grade, judge_of, judged_part
from openbezoar.calibration.importing import imported
from openbezoar.calibration.labels import Labels
from openbezoar.errors import DataError, StoreError
from openbezoar.families import Judge, random_for
from openbezoar.filters.judged import Judged
from openbezoar.judges.calibrated import Calibration, Figure, JudgeMark, LabelsMark, write
from openbezoar.plan import plan
from openbezoar.plurals import counted
from openbezoar.recipe import Recipe, load
from openbezoar.records import Example
from openbezoar.statistics import Estimate
from openbezoar.store import Artifact, Store

__all__ = ["LEAST", "Measured", "Study", "open_study"]

LEAST = 30
"""Labelled rows below which a threshold would be a guess."""

Say = Callable[[str], None]


class Measured(NamedTuple):
    """A judge beside a person, over the rows labelled accept or reject."""

    judge: JudgeMark
    agreement: Agreement[str]
    """Of the person's label and the judge's own verdict: accept or reject."""
    points: list[Point]
    """What each threshold on the rating would keep."""
    auc: Estimate
    """How often a row the person accepts is rated above one the person rejects."""
    unreadable: list[bool]
    """Of every row without a readable grade, whether the person accepts it; in no figure."""
    usd_per_1000: float | None

    @property
    def labelled(self) -> int:
        """The rows with a label and a readable grade."""
        return self.agreement.agreement.n


@dataclass(frozen=True)
class Study:
    """One stage of a recipe with its judge, the rows that the judge saw, and their labels."""

    file: Path
    recipe: Recipe
    stage: str
    part: Judged
    store: Store
    artifact: Artifact
    labels: Labels

    def desk(self, n: int) -> Desk:
        """A sample of `n` rows to label, those that have a label already among them."""
        known = [row.id for row in self._labelled() if self.labels.of(row) is not None]

        def draw(id_: str) -> float:
            return random_for(self.recipe.seed, self.stage, "calibrate", id_).random()

        ids = pool.sample(pool.ratings(self.artifact), n, frozenset(known), draw)
        rows = pool.rows(self.artifact, frozenset(ids))
        return Desk(self.stage, [rows[id_] for id_ in ids], self.labels)

    def take(self, path: Path) -> str:
        """Import labels, and say in one line what became of them."""
        found = imported(path, pool.ratings(self.artifact).keys())
        rows = pool.rows(self.artifact, found.answers.keys())
        for id_, answer in found.answers.items():
            if self.labels.of(rows[id_]) != answer:
                self.labels.put(rows[id_], answer)
        return found.line()

    def measure(self, judge: Judge | None = None) -> Measured:
        """Grade the labelled rows with the stage's judge, or another, and compare."""
        judge = judge or self.part.judge
        rows = [row for row in self._labelled() if self.labels.of(row) in ("accept", "reject")]
        if not rows:
            raise DataError(
                f"{self.labels.path}: no row of stage {self.stage} is labelled accept or reject; "
                f"label some with `bezoar calibrate {self.file} {self.stage}`"
            )
        graded = grade(judge, rows, self.recipe, self.store)
        given = [
            Judgement(self.labels.of(row) == "accept", found)
            for row, found in zip(rows, graded.grades, strict=True)
        ]
        readable = [each for each in given if each.grade.status is not None]
        return Measured(
            judge=JudgeMark.of(judge, self.recipe.models[judge.model]),
            agreement=agreement([_verdicts(each) for each in readable]),
            points=curve(readable),
            auc=discrimination(readable),
            unreadable=[each.accepted for each in given if each.grade.status is None],
            usd_per_1000=graded.usd_per_1000,
        )

    def compare(self, others: Sequence[str]) -> dict[str, Measured]:
        """The stage's judge, then others, each named by its stage or written in YAML."""
        judges = {self.stage: self.part.judge}
        judges |= {text: judge_of(text, self.recipe) for text in others}
        return {name: self.measure(judge) for name, judge in judges.items()}

    def write(self, found: Measured, precision: float, today: datetime.date) -> str:
        """Write the lowest threshold that reaches the precision, and say what is left to do.

        DataError, and nothing is written, when no threshold does or too few rows are labelled.
        """
        path = self.part.calibration_file() if self.part.calibration else self._file("yaml")
        point = choose(found.points, precision)
        if found.labelled < LEAST:
            raise DataError(
                f"{counted(found.labelled, 'row')} with a label and a readable grade, and a "
                f"threshold needs {LEAST}; nothing was written to {path}; label more rows"
            )
        if point is None:
            best = max(found.points, key=lambda each: each.precision.value or 0.0, default=None)
            reached = f"the best is {best.precision.value:.2f}" if best else "no row was rated"
            raise DataError(
                f"no threshold reaches a precision of {precision:g} ({reached}); nothing was "
                f"written to {path}; ask for less with --precision, or use another judge"
            )
        write(path, self._calibration(found, point, precision, today))
        parts = [f"{path}: rows rated {point.threshold:g} or more are kept"]
        if point.precision.low is not None and point.precision.low < precision:
            parts.append(
                f"the 95 % interval of its precision starts at {point.precision.low:.2f}, below "
                f"{precision:g}, and more labels make it surer"
            )
        if not self.part.calibration:
            line = f"calibration: {path.relative_to(self.file.parent)}"
            parts.append(f"put `{line}` into the `judged` filter of stage {self.stage}")
        return "; ".join(parts)

    def _calibration(
        self, found: Measured, point: Point, precision: float, today: datetime.date
    ) -> Calibration:
        said = Counter[str]()
        for (person, _), n in found.agreement.confusion.items():
            said[person] += n
        return Calibration(
            threshold=point.threshold,
            wanted_precision=precision,
            precision=Figure.of(point.precision),
            recall=Figure.of(point.recall),
            agreement=Figure.of(found.agreement.agreement),
            kappa=Figure.of(found.agreement.kappa),
            unreadable=len(found.unreadable),
            date=today,
            judge=found.judge,
            labels=LabelsMark(
                file=self.labels.path.name,
                sha256=files.digest(self.labels.path),
                accepted=said["accept"],
                rejected=said["reject"],
            ),
        )

    def lost(self) -> list[str]:
        """The ids of labels that fit no row of the stage."""
        found = pool.rows(self.artifact, self.labels.ids())
        return [
            id_
            for id_ in sorted(self.labels.ids())
            if id_ not in found or not self.labels.knows(found[id_])
        ]

    def _labelled(self) -> list[Example]:
        """The rows that the judge saw and somebody said something of, in the order of their ids."""
        rows = pool.rows(self.artifact, self.labels.ids())
        return [rows[id_] for id_ in sorted(rows)]

    def _file(self, suffix: str) -> Path:
        return _beside(self.file, self.stage, suffix)


def open_study(
    file: Path, overrides: Sequence[str], stage: str, store: Store, labels: Path | None, say: Say
) -> Study:
    """The study of a recipe's stage; errors say what is missing before anybody labels a row."""
    recipe = load(file, overrides)
    part = judged_part(recipe, stage)
    step = next(step for step in plan(recipe, store) if step.name == stage)
    made = [artifact for artifact in store.artifacts() if artifact.manifest.stage == stage]
    artifact = store.find(stage, step.fingerprint) or (made[-1] if made else None)
    if artifact is None or not pool.was_judged(artifact):
        raise StoreError(
            f"{store.root}: no judge has seen rows of stage {stage!r} yet; "
            f"run `bezoar run {file}` first"
        )
    path = labels or _beside(file, stage, "labels.jsonl")
    study = Study(file, recipe, stage, part, store, artifact, Labels(path, say))
    if lost := study.lost():
        say(
            f"{path}: {len(lost)} labels are of rows that the judge did not see or whose text has "
            f"changed, and count for nothing ({', '.join(lost[:3])}{', …' if lost[3:] else ''})"
        )
    return study


def _beside(file: Path, stage: str, suffix: str) -> Path:
    return file.parent / "calibration" / f"{file.stem}.{stage}.{suffix}"


def _verdicts(judgement: Judgement) -> tuple[str, str]:
    person = "accept" if judgement.accepted else "reject"
    return person, "accept" if judgement.grade.status == "Accept" else "reject"
