"""The generate stage: a scheme, seeds and a teacher give examples."""

import itertools
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PositiveInt

from openbezoar import jsonl
from openbezoar.component import OneOf, Runtime
from openbezoar.driver import FailureLimit, over_rows, wait_for
from openbezoar.errors import DataError
from openbezoar.families import (
    Bench,
    ChatModel,
    Draw,
    Made,
    Numbers,
    Scheme,
    Stage,
    expect,
    random_for,
)
from openbezoar.records import Failure, Row, Seed

__all__ = ["GenerateRuntime", "GenerateStage"]


class GenerateRuntime(Runtime):
    """How many rows are at work at a time."""

    concurrency: PositiveInt = 16


class GenerateStage(Stage):
    """Asks a teacher to make rows under a scheme."""

    kind: Literal["generate"] = "generate"
    seeds: str
    """The stage whose rows are the raw material."""
    teacher: str
    """The model that answers, by its name under `models`."""
    scheme: Annotated[Scheme, OneOf("openbezoar.schemes")]
    limit: PositiveInt | None = None
    """Use only this many seeds, the first ones."""
    failure_share: float = Field(default=0.5, gt=0, le=1)
    """Stop when more than this share of the latest 64 rows failed."""
    runtime: GenerateRuntime = GenerateRuntime()

    def reads(self) -> tuple[str, ...]:
        """The seeds."""
        return (self.seeds,)

    def uses(self) -> tuple[str, ...]:
        """The teacher."""
        return (self.teacher,)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """Examples, or new seeds where the scheme makes instructions without answers."""
        expect(self.seeds, kinds, "seeds")
        return self.scheme.makes

    def evidence(self) -> JsonValue:
        """The prompts and files of the scheme."""
        return self.scheme.evidence()

    def make(self, bench: Bench) -> Numbers:
        """Write `rows.jsonl` and `failed.jsonl`."""
        seeds = list(itertools.islice(bench.inputs[self.seeds].rows(Seed), self.limit))
        made = wait_for(self._ask_all(bench, seeds))
        if not made.rows:
            reasons = Counter(failure.reason for failure in made.failures).most_common(3)
            raise DataError(
                f"stage {bench.stage}: no row came out of {len(seeds)} seeds "
                f"(most often: {', '.join(reason for reason, _ in reasons) or 'nothing asked'})"
            )
        jsonl.write(bench.folder / "rows.jsonl", made.rows)
        jsonl.write(bench.folder / "failed.jsonl", made.failures)
        return {
            "seeds": len(seeds),
            "rows": len(made.rows),
            "failed": dict(Counter(failure.reason for failure in made.failures)),
            "licences": [*sorted({licence for row in made.rows for licence in row.licences})],
        }

    async def _ask_all(self, bench: Bench, seeds: list[Seed]) -> Made:
        stream = random_for(bench.seed, bench.stage, "draws")
        draws = list(self.scheme.draws(seeds, stream))
        limit = FailureLimit(self.failure_share)
        total = Made()
        seen: set[str] = set()
        async with bench.open_model(self.teacher) as teacher:
            work = partial(self._ask, bench=bench, teacher=teacher)
            async with aclosing(over_rows(draws, work, self.runtime.concurrency)) as outcomes:
                async for outcome in outcomes:
                    made = outcome.result or _failed(outcome.row, outcome.error)
                    limit.count(outcome)
                    total.failures += made.failures
                    _refuse_repeats(made.rows, seen)
                    total.rows += made.rows
                    bench.say(f"{len(total.rows)} rows, {len(total.failures)} failed")
        return total

    async def _ask(self, draw: Draw, bench: Bench, teacher: ChatModel) -> Made:
        stream = random_for(bench.seed, bench.stage, draw.id)
        return await self.scheme.make(draw, teacher, stream)


def _failed(draw: Draw, error: object) -> Made:
    reason = getattr(error, "reason", str(error))
    parents = tuple(seed.id for seed in draw.seeds)
    failure = Failure(
        id=draw.id, parents=parents, reason=reason, detail=getattr(error, "detail", "")
    )
    return Made(failures=[failure])


def _refuse_repeats(rows: list[Row], seen: set[str]) -> None:
    for row in rows:
        if row.id in seen:
            raise DataError(f"row id {row.id!r} was made twice; a scheme's ids must be unique")
        seen.add(row.id)
