"""The filter stage: rows through filters in order, each drop kept with its reason."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from openbezoar import jsonl
from openbezoar.cluster.engine import Engine, placed
from openbezoar.component import OneOf
from openbezoar.errors import ConfigError, DataError
from openbezoar.families import (
    AskingFilter,
    Bench,
    Evaluation,
    Filter,
    Judge,
    ModelSpec,
    Numbers,
    Stage,
    expect,
)
from openbezoar.judges.qualification import kin, qualified
from openbezoar.plurals import counted
from openbezoar.records import ROWS
from openbezoar.stages.sieve import Sieve, StoredRows
from openbezoar.store import Artifact

__all__ = ["FilterStage"]


class FilterStage(Stage):
    """Drops the rows that a filter refuses; later filters never see what earlier ones dropped."""

    kind: Literal["filter"] = "filter"
    # 2: refusals spare sympathy, drops carry what explains them, judges are tried with hard pairs.
    version: ClassVar[int] = 2
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

    def opens(self) -> tuple[str, ...]:
        """Its judges, unless its workers do."""
        return self.runtime.opens(self.uses())

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
        """Each filter's and judge's model must be able to do what is asked of it."""
        for part in self.filters:
            part.check_models(specs)
        for judge in self._judges():
            judge.check_model(specs[judge.model])

    def evidence(self) -> JsonValue:
        """What determines the filters' verdicts beside their settings."""
        return [part.evidence() for part in self.filters]

    def heeds(self, evaluations: Sequence[Evaluation]) -> dict[str, JsonValue] | None:
        """The benchmarks that its filters keep out of the rows."""
        heeded = [part.heeds(evaluations) for part in self.filters]
        found = [each for each in heeded if each is not None]
        return {name: what for each in found for name, what in each.items()} if found else None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Each filter says whether it could run; Ray must be installed where it is to be used."""
        self.runtime.check_ready()
        for part in self.filters:
            part.check_ready(specs)

    def warnings(
        self, teachers: Mapping[str, ModelSpec], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """What its filters say; and a judge that is its own teacher is no second opinion."""
        told = [line for part in self.filters for line in part.warnings()]
        for judge in self._judges():
            spec = specs[judge.model]
            own = [stage for stage, teacher in teachers.items() if kin(spec, teacher)]
            if own:
                told.append(
                    f"its judge and the teacher of {', '.join(own)} are the same model "
                    f"({spec.label}), and models are lenient with answers of their own; "
                    "judge with another model"
                )
        return told

    def notes(
        self, name: str, artifacts: Sequence[Artifact], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """How well each judge was seen to tell good answers from bad ones."""
        return [qualified(judge, specs[judge.model], name, artifacts) for judge in self._judges()]

    def make(self, bench: Bench) -> Numbers:
        """Write `rows.jsonl` and `rejected.jsonl`; kept + rejected = read."""
        bench = placed(bench, self.runtime)
        source = bench.inputs[self.rows]
        record = ROWS[source.manifest.makes]
        asks = any(isinstance(part, AskingFilter) for part in self.filters)
        rows = StoredRows(source.folder / "rows.jsonl", record, bench.most if asks else None)
        read, numbers = len(rows), Numbers()
        with jsonl.writing(bench.folder / "rejected.jsonl") as reject:
            sieve = Sieve(self.filters, bench, numbers, reject)
            for number, places in enumerate(sieve.passes(), start=1):
                last = places[-1] == len(self.filters) - 1
                path = bench.folder / "rows.jsonl" if last else bench.scratch / f"{number}.jsonl"
                with jsonl.writing(path) as keep:
                    sieve.take(rows, places, keep, self.runtime.concurrency)
                rows = StoredRows(path, record)
        assert len(rows) + sieve.reasons.total() == read  # noqa: S101 - not one row is lost
        if not len(rows):
            most = [f", most by {reason}" for reason, _ in sieve.reasons.most_common(1)]
            raise DataError(
                f"stage {bench.stage}: the filters rejected all they read "
                f"({counted(read, 'row')}){''.join(most)}"
            )
        counts: JsonValue = dict(sieve.reasons)
        kept = sieve.counts(read)
        return {"read": read, "rows": len(rows), "rejected": counts, "filters": kept} | numbers

    def _judges(self) -> list[Judge]:
        found = [getattr(part, "judge", None) for part in self.filters]
        return [judge for judge in found if isinstance(judge, Judge)]
