"""The generate stage: a scheme, seeds and a teacher give examples."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PositiveInt

from openbezoar import jsonl
from openbezoar.cluster.engine import Engine, placed
from openbezoar.component import OneOf
from openbezoar.driver import FailureLimit, Outcome, over_rows, wait_for
from openbezoar.errors import DataError, ParseError
from openbezoar.families import (
    Bench,
    ChatModel,
    Draw,
    Made,
    ModelSpec,
    Numbers,
    Scheme,
    Stage,
    expect,
    random_for,
)
from openbezoar.plurals import counted
from openbezoar.records import Failure, Seed
from openbezoar.stages.asked import Asked, HeardModel, WatchedModel

__all__ = ["GenerateRuntime", "GenerateStage"]


class GenerateRuntime(Engine):
    """How many rows are at work at a time, and where."""

    concurrency: PositiveInt = 256
    """Rows at work at a time, on all workers together."""


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

    def opens(self) -> tuple[str, ...]:
        """The teacher, unless its workers do."""
        return self.runtime.opens(self.uses())

    def teachers(self) -> tuple[str, ...]:
        """The teacher."""
        return (self.teacher,)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """Examples, or new seeds where the scheme makes instructions without answers."""
        expect(self.seeds, kinds, "seeds")
        return self.scheme.makes

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """The teacher must be able to do what the scheme asks of it."""
        self.scheme.check_teacher(specs[self.teacher])

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Ray must be installed where rows are to be on a cluster."""
        self.runtime.check_ready()

    def evidence(self) -> JsonValue:
        """The prompts and files of the scheme."""
        return self.scheme.evidence()

    def make(self, bench: Bench) -> Numbers:
        """Write `rows.jsonl`, `failed.jsonl`, and `asked.jsonl` with all requests and answers."""
        seeds = list(itertools.islice(bench.inputs[self.seeds].rows(Seed), self.limit))
        tally = wait_for(self._ask_all(placed(bench, self.runtime), seeds))
        if not tally.ids:
            reasons = [reason for reason, _ in tally.failed.most_common(3)]
            raise DataError(
                f"stage {bench.stage}: no row came out of {counted(len(seeds), 'seed')} "
                f"(most often: {', '.join(reasons) or 'nothing asked'})"
            )
        return {"seeds": len(seeds), **tally.numbers(self.scheme)}

    async def _ask_all(self, bench: Bench, seeds: list[Seed]) -> "Tally":
        stream = random_for(bench.seed, bench.stage, "draws")
        draws = bench.chosen(list(self.scheme.draws(seeds, stream)))
        limit = FailureLimit(self.failure_share)
        tally, making = Tally(), Making(self.scheme, bench.stage, bench.seed)
        async with bench.open_model(self.teacher) as opened:
            teacher = WatchedModel(opened)
            async with (
                bench.spread(self.teacher, teacher, making) as make,
                aclosing(over_rows(draws, make, self.runtime.concurrency)) as outcomes,
            ):
                with _ledger(bench.folder) as put:
                    async for outcome in outcomes:
                        assert outcome.result is not None  # noqa: S101 - `Making` catches what fails a row
                        made, asked = outcome.result
                        limit.count(Outcome(outcome.row, made, _error_of(made)))
                        tally.count(made, asked)
                        put(made, asked)
                        bench.progress(tally.draws, len(draws), tally.note(teacher.in_flight))
        return tally


@dataclass(frozen=True)
class Making:
    """What is done with one draw, in whichever process that is."""

    scheme: Scheme
    stage: str
    seed: int

    async def __call__(self, draw: Draw, teacher: ChatModel) -> tuple[Made, Asked]:
        """The rows and failures that come of it, and all that was asked."""
        heard = HeardModel(teacher)
        try:
            made = await self.scheme.make(draw, heard, random_for(self.seed, self.stage, draw.id))
        except ParseError as error:
            made = Made(failures=[_failure(draw, error)])
        ids = [row.id for row in made.rows] + [failure.id for failure in made.failures]
        return made, Asked(id=draw.id, rows=tuple(ids), exchanges=tuple(heard.exchanges))


@dataclass
class Tally:
    """What a stage has counted so far."""

    draws: int = 0
    requests: int = 0
    ids: set[str] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)
    licences: set[str] = field(default_factory=set)

    def count(self, made: Made, asked: Asked) -> None:
        """Count one draw; DataError when a row's id was made before."""
        self.draws += 1
        self.requests += len(asked.exchanges)
        self.failed.update(failure.reason for failure in made.failures)
        for row in made.rows:
            if row.id in self.ids:
                raise DataError(f"row id {row.id!r} was made twice; a scheme's ids must be unique")
            self.ids.add(row.id)
            self.licences.update(row.licences)

    def note(self, in_flight: int) -> str:
        """Where the stage stands, for the person who waits."""
        parts = [counted(len(self.ids), "row"), f"{self.failed.total()} failed"]
        return ", ".join(parts + [f"{in_flight} in flight"] * bool(in_flight))

    def numbers(self, scheme: Scheme) -> Numbers:
        """The way from what was asked to the rows: parsed is what its rules were applied to."""
        eliminated = {rule: n for rule, n in self.failed.items() if rule in scheme.rules}
        return {
            "scheme": str(getattr(scheme, "kind", "")),
            "draws": self.draws,
            "requests": self.requests,
            "parsed": len(self.ids) + sum(eliminated.values()),
            "eliminated": dict(eliminated),
            "rows": len(self.ids),
            "failed": dict(self.failed),
            "licences": [*sorted(self.licences)],
        }


@contextmanager
def _ledger(folder: Path) -> Iterator[Callable[[Made, Asked], None]]:
    """Rows go to disk as they come, so that memory does not grow with their number."""
    with (
        jsonl.writing(folder / "rows.jsonl") as row,
        jsonl.writing(folder / "failed.jsonl") as failure,
        jsonl.writing(folder / "asked.jsonl") as exchanges,
    ):

        def put(made: Made, asked: Asked) -> None:
            for one in made.rows:
                row(one)
            for lost in made.failures:
                failure(lost)
            exchanges(asked)

        yield put


def _failure(draw: Draw, error: ParseError) -> Failure:
    parents = tuple(seed.id for seed in draw.seeds)
    return Failure(id=draw.id, parents=parents, reason=error.reason, detail=error.detail)


def _error_of(made: Made) -> ParseError | None:
    """A draw that gave failures and no row has failed, whether it raised or told."""
    if made.rows or not made.failures:
        return None
    last = made.failures[-1]
    return ParseError(last.reason, last.detail)
