"""What stages of weights will do, train and merge: docs/planning.md explains the formulas."""

import math
from dataclasses import replace

from openbezoar.estimates.estimate import Work
from openbezoar.estimates.evidence import Evidence
from openbezoar.estimates.flops import step_flops
from openbezoar.estimates.memory import MEBIBYTE, TORCH, WARM, has_gpu
from openbezoar.estimates.rows import UNKNOWN, UNSEEN, Place
from openbezoar.estimates.shapes import Shape, shape_of
from openbezoar.estimates.training_memory import TEMPLATE, learned_weights, train_memory
from openbezoar.families import Flow, Length
from openbezoar.models.transformers import Transformers
from openbezoar.ranges import NOTHING, Range, exactly
from openbezoar.recipe import Recipe
from openbezoar.stages.merge import MergeStage
from openbezoar.stages.train import TrainStage

__all__ = ["base_of", "forward_seconds", "merge", "train"]

NO_SHAPE = "the sizes of its base model are not known here: fetch it once, or name a folder"
NO_RATE = "how fast this machine multiplies is not known; --probe measures it"
EFFICIENCY = Range(low=0.15, likely=0.3, high=0.6)
"""The share of the best matrix product's rate that whole stages reach (docs/lab.md)."""
LOADING = Range(low=3, likely=10, high=60)
"""Seconds to import, load, check packing and save."""


def train(stage: TrainStage, place: Place) -> Work:
    """Tokens through a base and its adapter, forward and back."""
    rank = stage.lora.r if stage.lora else 0
    data, shape = place.flows[stage.data], base_of(stage.start, place.recipe, rank)
    if data.rows is None:
        return Work(Flow(None), notes=(UNKNOWN,))
    length = data.length or UNSEEN
    rows = _less(data.rows, data.valid)
    learned = Flow(rows * stage.optimisation.epochs, length)
    if shape is None:
        return Work(learned, notes=(NO_SHAPE,))
    seen = place.evidence
    seconds = _train_seconds(stage, place, shape, (rows, data.valid or NOTHING, length))
    seconds = seconds or _as_before(seen, rows)
    memory = train_memory(stage, shape, rows, length)
    on_gpu = has_gpu(stage.runtime.device)
    disk = 4 * learned_weights(stage, shape) + 75 * shape.sizes.vocabulary
    disk += 2 * shape.parameters * (stage.carry == "merge")
    floor = WARM if place.is_warm else TORCH
    host = exactly(2 * shape.parameters / MEBIBYTE) + floor
    peak = seen.measured("peak_memory_mb") if seen else None
    measured = None if peak is None else exactly(peak) * Range(low=0.85, likely=1, high=1.2)
    return Work(
        learned,
        seconds=seconds,
        memory_mb=measured or (host if on_gpu else floor + memory),
        gpu_mb=memory if on_gpu else None,
        disk_mb=exactly(disk / MEBIBYTE),
        basis=seen.basis if seen else "settings",
        notes=() if seconds else (NO_RATE,),
    )


def merge(stage: MergeStage, place: Place) -> Work:
    """A checkpoint written from a base and an adapter, and compared with the model as trained."""
    shape = base_of(stage.adapter, place.recipe)
    if shape is None:
        return Work(Flow(None), notes=(NO_SHAPE,))
    weights = 2 * shape.parameters / MEBIBYTE
    expected = stage.parity_rows * 250 * shape.sizes.vocabulary * 8 / MEBIBYTE
    floor = WARM if place.is_warm else TORCH
    seen = place.evidence
    took = seen.measured("seconds") if seen else None
    seconds = exactly(weights) * Range(low=0.01, likely=0.03, high=0.2) + LOADING * 0.5
    return Work(
        Flow(exactly(0)),
        seconds=seconds if took is None else exactly(took) * Range(low=0.5, likely=1, high=2),
        memory_mb=floor + Range(
            low=2 * weights + expected / 2, likely=3 * weights + expected,
            high=4 * weights + 2 * expected + 300,
        ),
        disk_mb=exactly(weights + 75 * shape.sizes.vocabulary / MEBIBYTE),
        basis=seen.basis if seen else "settings",
    )  # fmt: skip


def base_of(name: str, recipe: Recipe, rank: int = 16) -> Shape | None:
    """The shape of the base behind a start point; it is the same all the way."""
    while name not in recipe.models:
        stage = recipe.stages[name]
        name = str(getattr(stage, "start", None) or getattr(stage, "adapter", ""))
    spec = recipe.models[name]
    shape = shape_of(spec.checkpoint, rank) if isinstance(spec, Transformers) else None
    return None if shape is None else shape._replace(sizes=replace(shape.sizes, rank=rank))


def forward_seconds(tokens: Range, shape: Shape, flops: float) -> Range:
    """The seconds to read tokens: two operations a weight."""
    operations = tokens * (2 * shape.parameters)
    return _over(operations, flops)


def _train_seconds(
    stage: TrainStage, place: Place, shape: Shape, data: tuple[Range, Range, Length]
) -> Range | None:
    """The time of rows to learn, and of those to validate on, of this length."""
    flops, (rows, valid, length) = place.known.flops, data
    on_gpu = has_gpu(stage.runtime.device)
    if flops is None or on_gpu != has_gpu():
        return None
    flops *= stage.runtime.processes if on_gpu else 1
    settings, answers = stage.optimisation, 2 if stage.objective.reference else 1
    asked, answered = length.asked.likely + TEMPLATE, length.answered.likely
    one = min(round(asked + answered), settings.max_tokens)
    step = step_flops(shape.sizes, [one] * answers, round(answered) * answers)
    forward = 2.0 * shape.parameters * (asked + answers * answered)
    if stage.lora is None:
        step += round(forward)  # the gradients of the weights themselves
    learned = rows * settings.epochs * (step + forward * stage.objective.reference)
    looks = 2
    if settings.evaluate_every:
        steps = settings.epochs * math.ceil(rows.likely / settings.batch_rows)
        looks += steps // settings.evaluate_every
    looked_at = valid * (looks * forward * (1 + stage.objective.reference))
    return _over(learned + looked_at, flops) + LOADING + _ledger_seconds(stage)


def _as_before(seen: Evidence | None, rows: Range) -> Range | None:
    """The seconds of an earlier training, for more rows or fewer."""
    took = seen.measured("seconds") if seen else None
    if seen is None or took is None:
        return None
    each: float = took / max(1, seen.numbers["rows"])
    return rows * each * Range(low=0.5, likely=1, high=2)


def _ledger_seconds(stage: TrainStage) -> Range:
    tokens = stage.ledger.max_tokens if stage.ledger and stage.ledger.answers else 0
    return exactly(tokens) * Range(low=0.02, likely=0.08, high=0.3)


def _less(rows: Range, valid: Range | None) -> Range:
    share = 0.0 if valid is None or not rows.likely else valid.likely / rows.likely
    return rows * (1 - share)


def _over(operations: Range, flops: float) -> Range:
    return Range(
        low=operations.low / (flops * EFFICIENCY.high),
        likely=operations.likely / (flops * EFFICIENCY.likely),
        high=operations.high / (flops * EFFICIENCY.low),
    )
