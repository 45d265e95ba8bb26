"""Keeps what a judge accepts, once the judge has shown that it tells good answers from bad ones."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from openbezoar.component import OneOf
from openbezoar.driver import over_rows
from openbezoar.errors import ConfigError, DataError, ParseError
from openbezoar.families import Bench, ChatModel, Check, Filter, Judge, Numbers, Run, random_for
from openbezoar.judges.probes import Discrimination, discrimination, plant
from openbezoar.records import Example, Grade, Verdict

__all__ = ["Judged"]

ENOUGH = 8
"""With fewer probed rows the judge is measured, but not held to the figure."""


class Judged(Filter):
    """Asks a judge about every row; an unreadable verdict drops the row and is counted apart."""

    kind: Literal["judged"] = "judged"
    judge: Annotated[Judge, OneOf("openbezoar.judges")]
    """Who decides."""
    probes: int = Field(24, ge=0)
    """Rows from which bad answers are made to try the judge first; 0 trusts it untried."""
    least_auc: float = Field(0.7, ge=0, le=1)
    """How often, at least, a real answer must be rated above a bad one."""

    @asynccontextmanager
    async def open(
        self, bench: Bench, rows: Sequence[Example], numbers: Numbers
    ) -> AsyncIterator[Check]:
        """Try the judge, note the outcome under `judge`, then give the check."""
        if rows and not isinstance(rows[0], Example):
            raise ConfigError(
                f"stage {bench.stage}: a judge grades examples, which {type(rows[0]).__name__} "
                "rows are not; remove `judged` from its filters"
            )
        name = self.judge.model
        async with (
            bench.open_model(name) as model,
            bench.spread(name, model, Grading(self.judge)) as grade,
        ):
            if self.probes and rows:
                shown = await self._try(bench, rows, grade)
                numbers["judge"] = shown.numbers()
                self._trust(shown)

            async def check(row: Example) -> Verdict:
                return self._verdict(await grade(row))

            yield check

    def uses(self) -> tuple[str, ...]:
        """The judge's model."""
        return (self.judge.model,)

    async def _try(self, bench: Bench, rows: Sequence[Example], grade: Run) -> Discrimination:
        stream = random_for(bench.seed, bench.stage, self.kind, "probes")
        real = stream.sample(rows, k=min(self.probes, len(rows)))
        planted = plant(real, stream)
        grades: dict[str, list[Grade]] = {"real": [], **{kind: [] for kind in planted}}
        asked = [("real", row) for row in real]
        asked += [(kind, row) for kind, bad in planted.items() for row in bad]
        bench.say(f"trying the judge on {len(real)} rows and {len(asked) - len(real)} bad answers")

        async def grade_probe(probe: tuple[str, Example]) -> Grade:
            graded: Grade = await grade(probe[1])
            return graded

        async for outcome in over_rows(asked, grade_probe):
            grades[outcome.row[0]].append(outcome.result or Grade())
        return discrimination(grades.pop("real"), grades)

    def _trust(self, shown: Discrimination) -> None:
        if not shown.rated["real"]:
            raise DataError(
                f"the judge on model {self.judge.model!r}: no verdict on a real answer was read; "
                "use another judge or model"
            )
        enough = shown.rated["real"] >= ENOUGH
        if enough and shown.pooled is not None and shown.pooled < self.least_auc:
            parts = [
                f"{kind} {value:.2f}" for kind, value in shown.auc.items() if value is not None
            ]
            raise DataError(
                f"the judge on model {self.judge.model!r} cannot tell good answers from bad ones "
                f"(AUC {shown.pooled:.2f}, below {self.least_auc}: {', '.join(parts)}); "
                "use another judge or model, or lower `least_auc`"
            )

    def _verdict(self, grade: Grade) -> Verdict:
        keep = grade.status == "Accept"
        reason = "" if keep else "unreadable" if grade.status is None else "rejected"
        return Verdict(filter=self.kind, keep=keep, reason=reason, grade=grade)


@dataclass(frozen=True)
class Grading:
    """What is done with one row, in whichever process that is."""

    judge: Judge

    async def __call__(self, row: Example, model: ChatModel) -> Grade:
        """The judge's grade; what a request was refused for is its reason."""
        try:
            return await self.judge.grade(row, model)
        except ParseError as error:
            return Grade(reason=str(error))
