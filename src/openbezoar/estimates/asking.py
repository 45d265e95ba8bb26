"""What stages that ask models for rows, or about rows, will do: generate and filter."""

from collections.abc import Iterable, Sequence
from typing import Any

from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence
from openbezoar.estimates.memory import MEBIBYTE, NO_FILE, TORCH, has_gpu, held_on_gpu, served
from openbezoar.estimates.rows import UNKNOWN, UNSEEN, Place, disk_of, floor_of, held
from openbezoar.estimates.shapes import shape_of
from openbezoar.families import AskingFilter, Expected, Flow, Length, ModelSpec, answer_of
from openbezoar.models.limits import limits_of
from openbezoar.models.transformers import Transformers
from openbezoar.ranges import ONE, Range, exactly, most, total
from openbezoar.stages.filter import FilterStage
from openbezoar.stages.generate import GenerateStage
from openbezoar.statistics import wilson

__all__ = ["generate", "sift"]

NO_SPEED = "how fast its models answer is not known before a few rows are made; --probe tells"
KEPT = Range(low=0.4, likely=0.8, high=1)
"""The share of rows that filters keep, where nothing tells."""


def generate(stage: GenerateStage, place: Place) -> Work:
    """Calls of a scheme, each as dear as those that were seen, else as its settings say."""
    seeds, seen = place.flows[stage.seeds], place.evidence
    given = None if seeds.rows is None else seeds.rows.at_most(stage.limit or float("inf"))
    if given is None and stage.limit:
        given = exactly(stage.limit)
    draws = stage.scheme.expects_draws(given)
    if draws is None:
        return Work(Flow(None, seeds.length), asked=None, notes=(UNKNOWN,))
    each = seen.each_call() if seen else None
    if each is None:
        each = stage.scheme.expects(seeds.length or UNSEEN)
    every = each.times(draws)
    flow = Flow(every.rows, _made_length(stage, seeds.length, seen))
    left = _less(draws, _kept_answers(seen, "draws"))
    spec = place.recipe.models[stage.teacher]
    seconds = _scaled(seen, left, limits_of(spec))
    memory = _with(place, spec, every.tokens_in.likely + every.tokens_out.likely, left)
    return Work(
        flow,
        asked={stage.teacher: every},
        anew={stage.teacher: each.times(left)},
        seconds=seconds,
        memory_mb=memory,
        gpu_mb=_gpu(place, [stage.teacher]),
        disk_mb=(every.tokens_in + every.tokens_out) * (24 / MEBIBYTE),
        basis=seen.basis if seen else "settings",
        notes=_not_known(seconds, memory),
    )


def sift(stage: FilterStage, place: Place) -> Work:
    """Rows through filters: the shares that were seen, else a wide guess."""
    flow, seen = place.flows[stage.rows], place.evidence
    if flow.rows is None:
        return Work(Flow(None), asked=None, notes=(UNKNOWN,))
    kept = flow.rows * (_share(seen.numbers["rows"], seen.numbers["read"]) if seen else KEPT)
    asked: dict[str, Expected] = {}
    judges = [part for part in stage.filters if isinstance(part, AskingFilter)]
    each = _each_grade(judges, seen)
    for part in judges:
        name = part.uses()[0]
        reach = flow.rows * _reaching(part.kind, seen)
        grades = part.expects_grades(reach)
        once = each or part.expects(flow.length or UNSEEN)
        asked[name] = asked.get(name, Expected()).plus(once.times(grades))
    left = _less(flow.rows, _kept_answers(seen, "read"))
    anew = exactly(left.likely / flow.rows.likely if flow.rows.likely else 1)
    models = [_with(place, place.recipe.models[name], 0, left) for name in asked]
    memory = most([total([floor_of(place), held(flow)]), *models])
    seconds = _scaled(seen, left, None) if judges else flow.rows * exactly(1e-3)
    return Work(
        Flow(kept, seen.length() if seen else flow.length), asked=asked,
        anew={name: each.times(anew) for name, each in asked.items()}, seconds=seconds,
        memory_mb=memory, gpu_mb=_gpu(place, asked), disk_mb=disk_of(flow),
        basis=seen.basis if seen else "settings", notes=_not_known(seconds, memory),
    )  # fmt: skip


def _not_known(seconds: Range | None, memory: Range | None) -> tuple[str, ...]:
    return (NO_SPEED,) * (seconds is None) + (NO_FILE,) * (memory is None)


def _made_length(stage: GenerateStage, seed: Length | None, seen: Evidence | None) -> Length | None:
    if seen is not None:
        return seen.length()
    if stage.scheme.makes == "seeds":
        return Length(Range(low=8, likely=18, high=60))
    sampling: Any = getattr(stage.scheme, "sampling", None)
    if sampling is None:
        return None
    return Length((seed or UNSEEN).asked, answer_of(sampling.max_tokens))


def _reaching(kind: str, seen: Evidence | None) -> Range:
    """The share of the rows that come to a filter past those before it."""
    if seen is None:
        return KEPT.at_least(0.6)
    lines = [line for line in seen.numbers.get("filters", []) if line["filter"] == kind]
    return _share(lines[0]["read"], seen.numbers["read"]) if lines else ONE


def _each_grade(judges: Sequence[AskingFilter], seen: Evidence | None) -> Expected | None:
    """What a question took on average, over all judges of a stage that was seen."""
    counts = seen.numbers.get("filters", []) if seen else []
    read = {line["filter"]: line["read"] for line in counts}
    grades = [part.expects_grades(exactly(read.get(part.kind, 0))).likely for part in judges]
    if seen is None or not sum(grades) or not seen.usage.get("requests"):
        return None
    if seen.usage.get("uncounted"):  # a server did not count all tokens
        return None
    names = ("requests", "tokens_in", "tokens_out")
    around = Range(low=0.85, likely=1, high=1.15)
    return Expected(*(around * (seen.usage.get(name, 0) / sum(grades)) for name in names))


def _share(part: int, of: int) -> Range:
    interval = wilson(part, of)
    return Range(low=interval.low, likely=part / of if of else 1, high=interval.high)


def _kept_answers(seen: Evidence | None, counted: str) -> float:
    """The calls or rows whose answers a probe left in the cache."""
    return float(seen.numbers[counted]) if seen and seen.basis == "probe" else 0.0


def _scaled(seen: Evidence | None, calls: Range, limits: Any) -> Range | None:
    """The seconds that were seen, for other calls: by rounds of as many as are answered at once."""
    seconds = seen.measured("seconds") if seen else None
    if seen is None or seconds is None:
        return None
    tried = float(seen.numbers.get("draws") or seen.numbers.get("read") or 1)
    together = limits.in_flight if limits is not None else 1
    each = seconds / max(1.0, tried / together)

    def rounds(count: float) -> float:
        return max(1.0, count / together) if count else 0.0

    likely = each * rounds(calls.likely)
    return Range(
        low=0.5 * min(likely, each * rounds(calls.low)),
        likely=likely,
        high=max(2 * likely, 2 * seconds * calls.high / tried, 0.1 * seconds),
    )


def _less(figure: Range, done: float) -> Range:
    return Range(
        low=max(0.0, figure.low - done),
        likely=max(0.0, figure.likely - done),
        high=max(0.0, figure.high - done),
    )


def _with(place: Place, spec: ModelSpec, tokens: float, left: Range) -> Range | None:
    """The process with a model in it; one that is likely asked nothing anew is not opened."""
    model, floor = served(spec, tokens), floor_of(place)
    if model is None:
        return None
    needs_torch = isinstance(spec, Transformers) and not place.is_warm
    full = (TORCH if needs_torch else floor) + model
    if left.likely >= 0.5:
        return full
    return Range(low=floor.low, likely=floor.likely, high=max(full.high, floor.likely))


def _gpu(place: Place, names: Iterable[str]) -> Range | None:
    """What the checkpoints among these models hold of a GPU that they answer on."""
    specs = [place.recipe.models[name] for name in names]
    shapes = [
        shape_of(spec.checkpoint)
        for spec in specs
        if isinstance(spec, Transformers) and has_gpu(spec.runtime.device)
    ]
    return most([held_on_gpu(shape) if shape else None for shape in shapes])
