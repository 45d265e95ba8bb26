"""Keeps what a judge accepts, once the judge has shown that it tells good answers from bad ones."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, PrivateAttr

from openbezoar import files
from openbezoar.component import OneOf
from openbezoar.driver import FailureLimit, Outcome
from openbezoar.errors import ConfigError, ParseError
from openbezoar.families import (
    AskingFilter,
    Bench,
    ChatModel,
    Expected,
    Judge,
    Length,
    ModelSpec,
    Numbers,
    Rows,
    Run,
    random_for,
)
from openbezoar.judges import calibrated
from openbezoar.judges.qualification import expected_probes, probes_of, tried
from openbezoar.ranges import Range
from openbezoar.records import Example, Grade, Verdict

__all__ = ["Judged"]

Decide = Callable[[Example], Awaitable[Verdict]]


class Judged(AskingFilter):
    """Asks a judge about every row; an unreadable verdict drops the row and is counted apart."""

    kind: Literal["judged"] = "judged"
    judge: Annotated[Judge, OneOf("openbezoar.judges")]
    """Who decides."""
    probes: int = Field(24, ge=0)
    """Rows from which bad answers are made to try the judge first, beside as many hard pairs that
    were written by hand (at most 24); 0 trusts it untried."""
    least_auc: float = Field(0.7, ge=0, le=1)
    """How often, at least, a real answer must be rated above a bad one made from the rows; below
    that the stage stops. With fewer than 8 real answers graded it is noted only."""
    calibration: str | None = None
    """The file that `bezoar calibrate` wrote: a row is kept from its threshold on, whatever the
    judge's own verdict. Seen from the current folder or, failing that, from the recipe's."""

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Remember the recipe's folder, which its loader gives as context `{"folder": Path}`."""
        if self.calibration is not None and isinstance(context, dict):
            self._folder = context.get("folder")

    @asynccontextmanager
    async def ask(self, bench: Bench, rows: Rows, numbers: Numbers) -> AsyncIterator[Decide]:
        """Try the judge, note the outcome under `judges`, then give what decides on a row."""
        name = self.judge.model
        async with (
            bench.open_model(name) as model,
            bench.spread(name, model, Grading(self.judge)) as grade,
        ):
            threshold = self._threshold(bench.specs, numbers)
            judges = numbers.setdefault("judges", [])
            assert isinstance(judges, list)  # noqa: S101 - only this line makes it
            judges.append(await self._qualify(bench, rows, grade, threshold))
            watch = _Watch()

            async def decide(row: Example) -> Verdict:
                return self._verdict(await watch.over(row, grade(row)), threshold)

            yield decide

    def expects_grades(self, rows: Range) -> Range:
        """The rows, and those that the judge is tried on."""
        return rows + rows.at_most(self.probes) * expected_probes(self.probes)

    def expects(self, row: Length) -> Expected:
        """What its judge asks about one row."""
        return self.judge.expects(row)

    def uses(self) -> tuple[str, ...]:
        """The judge's model."""
        return (self.judge.model,)

    def evidence(self) -> JsonValue:
        """The judge's prompts; with a calibration, its threshold and the judge it is of."""
        if self.calibration is None:
            return self.judge.evidence()
        try:
            found = calibrated.read(self.calibration_file(), self.calibration)
        except ConfigError:
            return [self.judge.evidence(), "no calibration"]
        return [self.judge.evidence(), found.threshold, found.judge.fingerprint]

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """A calibration must be there, and of this very judge."""
        self._threshold(specs, {})

    def calibration_file(self) -> Path:
        """Where the calibration is read."""
        return files.located(self.calibration or "", self._folder)

    def _threshold(self, specs: Mapping[str, ModelSpec], numbers: Numbers) -> float | None:
        """The calibration's threshold, noted with what speaks for it; None without one."""
        if self.calibration is None:
            return None
        found = calibrated.read(self.calibration_file(), self.calibration)
        found.check(self.judge, specs[self.judge.model], self.calibration)
        numbers["calibration"] = found.model_dump(mode="json")
        return found.threshold

    async def _qualify(
        self, bench: Bench, rows: Rows, grade: Run, threshold: float | None
    ) -> Numbers:
        """Try the judge on some rows; what to note of it, or DataError when it is not fit."""
        spec = bench.specs[self.judge.model]
        noted: Numbers = {
            "judge": self.judge.kind,
            "model": self.judge.model,
            "label": spec.label,
            "mark": calibrated.JudgeMark.of(self.judge, spec).fingerprint,
            "least_auc": self.least_auc,
        }
        if not self.probes or not len(rows):
            return noted
        stream = random_for(bench.seed, bench.stage, self.kind, "probes")
        places = set(stream.sample(range(len(rows)), k=min(self.probes, len(rows))))
        probes = probes_of([row for place, row in enumerate(rows) if place in places], stream)
        bench.say(f"trying the judge on {len(places)} rows: {len(probes)} good and bad answers")
        trial = await tried(grade, probes, lambda given: not _against(given, threshold))
        trial.trust(self.judge, self.least_auc)
        return noted | trial.shown.numbers()

    def _verdict(self, grade: Grade, threshold: float | None) -> Verdict:
        reason = _against(grade, threshold)
        return Verdict(filter=self.kind, keep=not reason, reason=reason, grade=grade)


@dataclass(frozen=True)
class Grading:
    """What is done with one row, in whichever process that is."""

    judge: Judge

    async def __call__(self, row: Example, model: ChatModel) -> Grade:
        """The judge's grade; ParseError when the model refuses the question."""
        return await self.judge.grade(row, model)


class _Watch:
    """Stops a stage most of whose rows get no verdict."""

    def __init__(self) -> None:
        self._limit = FailureLimit(
            advice="use another judge or model, or put a `length` filter before it"
        )

    async def over(self, row: Example, grading: Awaitable[Grade]) -> Grade:
        """The grade; ModelError, with what was said last, when too many have failed."""
        try:
            grade = await grading
        except ParseError as error:
            self._limit.count(Outcome(row, None, error))
            raise
        lost = ParseError("unreadable", "no verdict in the reply") if grade.status is None else None
        self._limit.count(Outcome(row, grade, lost))
        return grade


def _against(grade: Grade, threshold: float | None) -> str:
    """Why a row with this grade is dropped; nothing when it is kept."""
    if grade.status is None:
        return "unreadable"
    if threshold is None:
        return "" if grade.status == "Accept" else "rejected"
    if grade.rating is None:
        return "unreadable"
    return "" if grade.rating >= threshold else f"rated below {threshold:g}"
