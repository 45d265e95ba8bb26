"""What an evaluate stage will do: rows read, questions asked, answers judged."""

from openbezoar.errors import ConfigError, DataError
from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence
from openbezoar.estimates.memory import (
    NO_FILE,
    TORCH,
    WARM,
    answering,
    has_gpu,
    held_on_gpu,
    served,
)
from openbezoar.estimates.rows import Place
from openbezoar.estimates.shapes import Shape
from openbezoar.estimates.training import LOADING, NO_RATE, NO_SHAPE, base_of, forward_seconds
from openbezoar.families import Evaluation, Expected, Flow, Reading
from openbezoar.ranges import NOTHING, Range, exactly, most, total
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
    shape = base_of(stage.model, place.recipe)
    seconds = _measured(seen, "seconds") or _seconds(shape, place, stage, readings)
    together = 8 if _has_harness(stage) or "" in asked else 1
    memory = _measured(seen, "peak_memory_mb") or _memory(place, stage, asked, together)
    if shape is None:
        notes.append(NO_SHAPE)
    elif memory is None:
        notes.append(NO_FILE)
    if seconds is None and place.known.flops is None:
        notes.append(NO_RATE)
    return Work(
        Flow(total([one.rows if one else None for one in readings])),
        asked=None if None in readings else asked,
        seconds=seconds,
        memory_mb=memory,
        gpu_mb=held_on_gpu(shape, together) if shape and has_gpu() else None,
        disk_mb=Range(low=0.02, likely=0.2, high=50),
        basis=seen.basis if seen else "settings",
        notes=tuple(notes),
    )


def _read(part: Evaluation, place: Place, notes: list[str]) -> Reading | None:
    """What it reads and asks; None where its questions are not here, or it does not say."""
    try:
        found = part.expects(place.flows)
    except (DataError, ConfigError) as error:
        notes.append(f"{part.kind}: {error}")
        return None
    if found.rows is None or found.tokens is None:
        notes.append(f"{part.kind}: its rows are not here, or not made yet")
    if silent := set(part.uses()) - set(found.asked):
        notes.append(f"{part.kind}: what it asks of {', '.join(sorted(silent))} is not known")
        return None
    return found


def _seconds(
    shape: Shape | None, place: Place, stage: EvaluateStage, readings: list[Reading | None]
) -> Range | None:
    flops = place.known.flops
    tokens = total([one.tokens if one else None for one in readings])
    if shape is None or flops is None or tokens is None:
        return None
    asked = [(name, each) for one in readings if one for name, each in one.asked.items()]
    own = [each for name, each in asked if not name]
    read = sum((each.tokens_in for each in own), NOTHING)
    written = sum(each.tokens_out.likely for _, each in asked)
    together = max(1.0, min(8.0, sum(each.requests.likely for each in own)))
    return (
        forward_seconds(tokens + read, shape, flops)
        + EACH_TOKEN * (written / together)
        + LOADING * len(stage.evaluations) * 0.3
    )


def _memory(
    place: Place, stage: EvaluateStage, asked: dict[str, Expected], together: int
) -> Range | None:
    """With so many rows' logits at a time; models of a stage are held one after the other."""
    judges = [
        served(place.recipe.models[name], each.tokens_in.likely + each.tokens_out.likely)
        for name, each in asked.items()
        if name
    ]
    held = most([answering(base_of(stage.model, place.recipe), rows=together), *judges])
    floor = WARM if place.is_warm else TORCH
    return held and floor + held + (LIBRARIES if _has_harness(stage) else NOTHING)


def _has_harness(stage: EvaluateStage) -> bool:
    return any(part.kind == "harness" for part in stage.evaluations)


def _measured(seen: Evidence | None, name: str) -> Range | None:
    """What the same stage took with another model or other rows."""
    found = seen.measured(name) if seen else None
    return None if found is None else exactly(found) * Range(low=0.6, likely=1, high=1.7)
