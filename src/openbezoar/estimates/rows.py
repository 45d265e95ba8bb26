"""What stages of rows will do: source, generate, filter and mix."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openbezoar.errors import DataError
from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence, Known
from openbezoar.estimates.memory import LIGHT, MEBIBYTE, TORCH, WARM, served
from openbezoar.families import AskingFilter, Expected, Flow, Length, Stage, answer_of
from openbezoar.models.limits import limits_of
from openbezoar.models.transformers import Transformers
from openbezoar.ranges import NOTHING, ONE, Range, exactly
from openbezoar.recipe import Recipe
from openbezoar.stages.filter import FilterStage
from openbezoar.stages.generate import GenerateStage
from openbezoar.stages.mix import MixStage
from openbezoar.stages.source import SourceStage
from openbezoar.statistics import wilson

__all__ = ["Place", "generate", "mix", "sift", "source"]

KEPT = Range(low=0.4, likely=0.8, high=1)
"""The share of rows that filters keep, where nothing tells."""
UNKNOWN = "how many rows there are is not known before they are read; --probe reads them"


@dataclass(frozen=True)
class Place:
    """Where a stage stands: what is known above it and of it."""

    name: str
    recipe: Recipe
    flows: Mapping[str, Flow]
    known: Known
    is_warm: bool = False
    """Whether a stage before it in this run loads torch."""

    @property
    def evidence(self) -> Evidence | None:
        """What was seen of this very stage."""
        return self.known.evidence.get(self.name)


def source(stage: SourceStage, place: Place) -> Work:
    """Rows from outside: as many as a look at the files promises."""
    seen = place.evidence
    notes: tuple[str, ...] = ()
    if seen is not None and seen.basis == "probe":
        rows = exactly(seen.numbers["rows"])
        flow = Flow(rows, seen.length())
    else:
        flow, notes = _looked_at(stage)
    seconds = None if flow.rows is None else flow.rows * Range(low=0, likely=1e-4, high=5e-3)
    memory = _floor(place) + _held(flow)
    return Work(
        flow, seconds=seconds, memory_mb=memory, disk_mb=_disk(flow), notes=notes,
        basis=seen.basis if seen else "settings",
    )  # fmt: skip


def generate(stage: GenerateStage, place: Place) -> Work:
    """Calls of a scheme, each as dear as those that were seen, else as its settings say."""
    seeds, seen = place.flows[stage.seeds], place.evidence
    given = None if seeds.rows is None else seeds.rows.at_most(stage.limit or float("inf"))
    if given is None and stage.limit:
        given = exactly(stage.limit)
    draws = stage.scheme.expects_draws(given)
    each = seen.each_call() if seen else None
    if draws is None or (each is None and seeds.length is None):
        return Work(Flow(None), asked=None, notes=(UNKNOWN,))
    if each is None:
        assert seeds.length is not None  # noqa: S101 - or it would have returned
        each = stage.scheme.expects(seeds.length)
    every = each.times(draws)
    flow = Flow(every.rows, _made_length(stage, seeds.length, seen))
    done = seen.numbers["draws"] if seen and seen.basis == "probe" else 0
    spec = place.recipe.models[stage.teacher]
    return Work(
        flow,
        asked={stage.teacher: every},
        anew={stage.teacher: each.times(_less(draws, done))},
        seconds=_scaled(seen, draws, limits_of(spec)),
        memory_mb=_with(place, served(spec, every.tokens_in.likely + every.tokens_out.likely)),
        disk_mb=(every.tokens_in + every.tokens_out) * (24 / MEBIBYTE),
        basis=seen.basis if seen else "settings",
    )


def sift(stage: FilterStage, place: Place) -> Work:
    """Rows through filters: the shares that were seen, else a wide guess."""
    flow, seen = place.flows[stage.rows], place.evidence
    if flow.rows is None:
        return Work(Flow(None), asked=None, notes=(UNKNOWN,))
    kept = flow.rows * (_share(seen.numbers["rows"], seen.numbers["read"]) if seen else KEPT)
    asked: dict[str, Expected] = {}
    judges = [part for part in stage.filters if isinstance(part, AskingFilter)]
    for part in judges:
        name = part.uses()[0]
        reach = flow.rows * _reaching(part.kind, seen)
        grades = part.expects_grades(reach)
        each = _each_grade(part, seen, flow.length)
        if each is None:
            return Work(Flow(kept), asked=None, notes=(UNKNOWN,))
        asked[name] = asked.get(name, Expected()).plus(each.times(grades))
    memory: Range | None = _floor(place) + _held(flow)
    for name in asked:
        memory = _with(place, served(place.recipe.models[name], 0), place.recipe.models[name])
    seconds = _scaled(seen, flow.rows, None) if judges else flow.rows * exactly(1e-3)
    return Work(
        Flow(kept, seen.length() if seen else flow.length), asked=asked, seconds=seconds,
        memory_mb=memory, disk_mb=_disk(flow), basis=seen.basis if seen else "settings",
    )  # fmt: skip


def mix(stage: MixStage, place: Place) -> Work:
    """Rows joined, and a share of them set apart."""
    parts = [place.flows[name] for name in stage.rows]
    rows = NOTHING
    for part in parts:
        if part.rows is None:
            return Work(Flow(None), notes=(UNKNOWN,))
        rows = rows + part.rows.at_most(stage.limit or float("inf"))
    flow = Flow(rows, parts[0].length, rows * stage.validation)
    return Work(
        flow, seconds=rows * exactly(1e-4), memory_mb=_floor(place) + _held(flow),
        disk_mb=_disk(flow),
    )  # fmt: skip


def _looked_at(stage: Stage) -> tuple[Flow, tuple[str, ...]]:
    assert isinstance(stage, SourceStage)  # noqa: S101 - the caller's
    try:
        flow = stage.source.expects()
    except DataError as error:
        return Flow(None), (f"its rows are not here: {error}",)
    return flow, (UNKNOWN,) if flow.rows is None else ()


def _made_length(stage: GenerateStage, seed: Length | None, seen: Evidence | None) -> Length | None:
    if seen is not None:
        return seen.length()
    if stage.scheme.makes == "seeds":
        return Length(Range(low=8, likely=18, high=60))
    sampling: Any = getattr(stage.scheme, "sampling", None)
    if seed is None or sampling is None:
        return None
    return Length(seed.asked, answer_of(sampling.max_tokens))


def _reaching(kind: str, seen: Evidence | None) -> Range:
    """The share of the rows that come to a filter past those before it."""
    if seen is None:
        return KEPT.at_least(0.6)
    lines = [line for line in seen.numbers.get("filters", []) if line["filter"] == kind]
    return _share(lines[0]["read"], seen.numbers["read"]) if lines else ONE


def _each_grade(
    part: AskingFilter, seen: Evidence | None, length: Length | None
) -> Expected | None:
    if seen is not None and seen.usage.get("requests"):
        lines = [line for line in seen.numbers["filters"] if line["filter"] == part.kind]
        grades = part.expects_grades(exactly(lines[0]["read"])).likely
        names = ("requests", "tokens_in", "tokens_out")
        around = Range(low=0.85, likely=1, high=1.15)
        return Expected(*(around * (seen.usage.get(name, 0) / max(1, grades)) for name in names))
    return None if length is None else part.expects(length)


def _share(part: int, of: int) -> Range:
    interval = wilson(part, of)
    return Range(low=interval.low, likely=part / of if of else 1, high=interval.high)


def _scaled(seen: Evidence | None, calls: Range, limits: Any) -> Range | None:
    """The seconds of a trial for more calls: by rounds of as many as are answered at a time."""
    seconds = seen.measured("seconds") if seen else None
    if seen is None or seconds is None:
        return None
    tried = seen.numbers.get("draws") or seen.numbers.get("read") or 1
    together = limits.in_flight if limits is not None else 1
    rounds = max(1.0, tried / together)
    likely = seconds * max(1.0, calls.likely / together) / rounds
    return Range(
        low=0.5 * likely * calls.low / calls.likely if calls.likely else 0, likely=likely,
        high=2 * seconds * max(1.0, calls.high / tried, calls.high / together / rounds) + likely,
    )  # fmt: skip


def _less(figure: Range, done: float) -> Range:
    return Range(
        low=max(0.0, figure.low - done),
        likely=max(0.0, figure.likely - done),
        high=max(0.0, figure.high - done),
    )


def _floor(place: Place) -> Range:
    return WARM if place.is_warm else LIGHT


def _with(place: Place, model: Range | None, spec: object = None) -> Range | None:
    if model is None:
        return None
    needs_torch = isinstance(spec, Transformers)
    return (WARM if place.is_warm else TORCH if needs_torch else LIGHT) + model


def _held(flow: Flow) -> Range:
    """Rows in memory: their text some times over."""
    if flow.rows is None or flow.length is None:
        return NOTHING
    each = flow.length.asked + flow.length.answered
    return flow.rows * each * Range(low=0, likely=4 * 4 / MEBIBYTE, high=4 * 20 / MEBIBYTE)


def _disk(flow: Flow) -> Range | None:
    if flow.rows is None or flow.length is None:
        return None
    each = flow.length.asked + flow.length.answered + exactly(100)
    return flow.rows * each * Range(low=3 / MEBIBYTE, likely=5 / MEBIBYTE, high=10 / MEBIBYTE)
