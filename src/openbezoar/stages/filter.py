"""The filter stage: rows through filters in order, each drop kept with its reason."""

from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from openbezoar import jsonl
from openbezoar.cluster.engine import Engine, placed
from openbezoar.component import OneOf
from openbezoar.driver import over_rows, wait_for
from openbezoar.errors import ConfigError, DataError
from openbezoar.families import Bench, Filter, Judge, ModelSpec, Numbers, Stage, expect
from openbezoar.records import ROWS, Example, Rejected, Row, Verdict

__all__ = ["FilterStage"]


class FilterStage(Stage):
    """Drops the rows that a filter refuses; later filters never see what earlier ones dropped."""

    kind: Literal["filter"] = "filter"
    rows: str
    """The stage whose rows are filtered."""
    filters: tuple[Annotated[Filter, OneOf("openbezoar.filters")], ...] = Field(min_length=1)
    runtime: Engine = Engine()

    def reads(self) -> tuple[str, ...]:
        """The rows."""
        return (self.rows,)

    def uses(self) -> tuple[str, ...]:
        """The models of the filters' judges."""
        return tuple(dict.fromkeys(name for part in self.filters for name in part.uses()))

    def makes(self, kinds: Mapping[str, str]) -> str:
        """The same kind of rows."""
        held = expect(self.rows, kinds, *ROWS)
        if self._judges() and held != "examples":
            raise ConfigError(
                f"a judge grades examples, and {self.rows!r} holds {held}; remove `judged` from "
                "its filters"
            )
        return held

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """The judges' models must be able to do what is asked of them."""
        for judge in self._judges():
            judge.check_model(specs[judge.model])

    def check_ready(self) -> None:
        """Ray must be installed where rows are to be on a cluster."""
        self.runtime.check_ready()

    def evidence(self) -> JsonValue:
        """The prompts of the filters' judges."""
        return [judge.evidence() for judge in self._judges()]

    def make(self, bench: Bench) -> Numbers:
        """Write `rows.jsonl` and `rejected.jsonl`; kept + rejected = read."""
        bench = placed(bench, self.runtime)
        source = bench.inputs[self.rows]
        rows: list[Row] = list(source.rows(ROWS[source.manifest.makes]))
        numbers: Numbers = {"read": len(rows)}
        rejected: list[Rejected] = []
        for part in self.filters:
            rows, dropped = wait_for(self._apply(part, bench, rows, numbers))
            rejected += dropped
            bench.say(f"{part.kind}: kept {len(rows)}, rejected {len(dropped)}")
        if not rows:
            raise DataError(
                f"stage {bench.stage}: the filters rejected all {numbers['read']} rows, most by "
                f"{Counter(item.verdict.filter for item in rejected).most_common(1)[0][0]}"
            )
        jsonl.write(bench.folder / "rows.jsonl", rows)
        jsonl.write(bench.folder / "rejected.jsonl", rejected)
        counts = Counter(f"{item.verdict.filter}: {item.verdict.reason}" for item in rejected)
        return numbers | {"rows": len(rows), "rejected": dict(counts)}

    def _judges(self) -> list[Judge]:
        found = [getattr(part, "judge", None) for part in self.filters]
        return [judge for judge in found if isinstance(judge, Judge)]

    async def _apply(
        self, part: Filter, bench: Bench, rows: list[Row], numbers: Numbers
    ) -> tuple[list[Row], list[Rejected]]:
        kept: list[Row] = []
        rejected: list[Rejected] = []
        async with (
            part.open(bench, rows, numbers) as check,
            aclosing(over_rows(rows, check, self.runtime.concurrency)) as outcomes,
        ):
            async for outcome in outcomes:
                verdict = outcome.result or _unchecked(part, outcome.error)
                if verdict.keep:
                    kept.append(_with_verdict(outcome.row, verdict))
                else:
                    row = outcome.row.model_dump(mode="json")
                    rejected.append(Rejected(verdict=verdict, row=row))
                done = len(kept) + len(rejected)
                bench.progress(done, len(rows), f"{part.kind}: {len(rejected)} rejected")
        return kept, rejected


def _unchecked(part: Filter, error: object) -> Verdict:
    return part.drop(f"could not be checked ({getattr(error, 'reason', error)})")


def _with_verdict(row: Row, verdict: Verdict) -> Row:
    """A judged row carries its grade; a plain pass leaves the row as it is."""
    if isinstance(row, Example) and verdict.grade is not None:
        return row.model_copy(update={"verdicts": (*row.verdicts, verdict)})
    return row
