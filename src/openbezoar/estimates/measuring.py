"""What an evaluate stage will do: rows read, questions asked, answers judged."""

from openbezoar.errors import ConfigError, DataError
from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence
from openbezoar.estimates.memory import TORCH, WARM, answering, served
from openbezoar.estimates.rows import Place
from openbezoar.estimates.training import LOADING, NO_RATE, base_of, forward_seconds
from openbezoar.families import Evaluation, Expected, Flow, Reading
from openbezoar.ranges import NOTHING, Range, exactly, total
from openbezoar.stages.evaluate import EvaluateStage

__all__ = ["evaluate"]

LIBRARIES = Range(low=200, likely=450, high=800)
"""lm-eval and datasets, once they are imported."""
EACH_TOKEN = Range(low=0.02, likely=0.06, high=0.3)
"""Seconds for one more token of answers that are written together."""


def evaluate(stage: EvaluateStage, place: Place) -> Work:
    """Every evaluation on one model, one after the other."""
    notes: list[str] = []
    readings = [_read(part, place, notes) for part in stage.evaluations]
    asked: dict[str, Expected] = {}
    for one in readings:
        for name, each in (one.asked if one else {}).items():
            asked[name] = asked.get(name, Expected()).plus(each)
    seen = place.evidence
    seconds = _measured(seen, "seconds") or _seconds(stage, place, readings, asked)
    return Work(
        Flow(total([one.rows if one else None for one in readings])),
        asked=None if None in readings else asked,
        seconds=seconds,
        memory_mb=_measured(seen, "peak_memory_mb") or _memory(stage, place, asked),
        disk_mb=Range(low=0.02, likely=0.2, high=50),
        basis=seen.basis if seen else "settings",
        notes=(*notes, *([] if seconds or place.known.flops else [NO_RATE])),
    )


def _read(part: Evaluation, place: Place, notes: list[str]) -> Reading | None:
    """What it reads and asks; None where not even its questions are here."""
    try:
        found = part.expects(place.flows)
    except (DataError, ConfigError) as error:
        notes.append(f"{part.kind}: {error}")
        return None
    if found.rows is None:
        notes.append(f"{part.kind}: its rows are not here, or not made yet")
    return found


def _seconds(
    stage: EvaluateStage, place: Place, readings: list[Reading | None], asked: dict[str, Expected]
) -> Range | None:
    shape, flops = base_of(stage.model, place.recipe), place.known.flops
    tokens = total([one.tokens if one else None for one in readings])
    if shape is None or flops is None or tokens is None:
        return None
    own = asked.get("", Expected())
    written = sum((one.tokens_out.likely for one in asked.values()), 0.0)
    together = max(1.0, min(8.0, own.requests.likely))
    return (
        forward_seconds(tokens + own.tokens_in, shape, flops)
        + EACH_TOKEN * (written / together)
        + LOADING * len(stage.evaluations) * 0.3
    )


def _memory(stage: EvaluateStage, place: Place, asked: dict[str, Expected]) -> Range | None:
    shape = base_of(stage.model, place.recipe)
    if shape is None:
        return None
    kinds = {part.kind for part in stage.evaluations}
    own = answering(shape, rows=8 if "harness" in kinds else 1) or NOTHING
    judges = [
        served(place.recipe.models[name], each.tokens_in.likely + each.tokens_out.likely)
        for name, each in asked.items()
        if name
    ]
    known = [one for one in judges if one is not None]
    if len(known) < len(judges):
        return None
    most = max([own, *known], key=lambda one: one.likely)
    floor = WARM if place.is_warm else TORCH
    return floor + most + (LIBRARIES if "harness" in kinds else NOTHING)


def _measured(seen: Evidence | None, name: str) -> Range | None:
    """What the same stage took with another model or other rows."""
    found = seen.measured(name) if seen else None
    return None if found is None else exactly(found) * Range(low=0.6, likely=1, high=1.7)
