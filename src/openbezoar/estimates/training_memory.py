"""The memory that a train stage takes: docs/planning.md explains the formula."""

import math

from openbezoar.estimates.activations import kept_bytes, logit_bytes
from openbezoar.estimates.memory import MEBIBYTE, has_gpu
from openbezoar.estimates.shapes import Shape
from openbezoar.families import Length
from openbezoar.ranges import ONE, Range, exactly
from openbezoar.stages.train import TrainStage
from openbezoar.training.adapters import Precision

__all__ = ["TEMPLATE", "learned_weights", "train_memory", "weights_mb"]

GROWTH = Range(low=0.7, likely=1, high=1.4)
"""Around how far micro-batches of many sizes, one after the other, leave holes between them."""
GROWTH_ON_GPU = Range(low=0.95, likely=1.05, high=1.3)
"""The same where torch's own allocator keeps pages of a size together; never measured."""
QUANTISING = 150
"""Megabytes that rounding to four bits, and the library for it, leave on a processor."""
TEMPLATE = 25
STATE_BYTES = {"adamw": 8, "paged_adamw_8bit": 2, "rmsprop": 4}
"""What an optimiser remembers of a weight."""


def train_memory(stage: TrainStage, shape: Shape, rows: Range, length: Length) -> Range:
    """Weights, adapter and optimiser, and what a micro-batch leaves for the backward pass."""
    answers, on_gpu = 2 if stage.objective.reference else 1, has_gpu(stage.runtime.device)
    settings = stage.optimisation
    row = length.asked + length.answered * answers + exactly(TEMPLATE * answers)
    row = row.at_most(settings.max_tokens * answers)
    batch = row * settings.batch_rows
    micro = batch.at_most(stage.runtime.micro_tokens).at_least(row.likely)
    sequence = length.asked.likely + length.answered.likely + TEMPLATE
    each = kept_bytes(shape, min(sequence, settings.max_tokens), stage) / MEBIBYTE
    parts = math.ceil(batch.likely / micro.likely) * rows.likely / settings.batch_rows
    growth = GROWTH_ON_GPU if on_gpu else GROWTH * _growth(parts * settings.epochs)
    number = 8 + STATE_BYTES[settings.optimiser] + 2 * (stage.precision != "float32")
    state = learned_weights(stage, shape) * number / MEBIBYTE
    held = weights_mb(shape, stage.precision, on_gpu)
    if stage.lora is None and stage.objective.reference:
        held *= 2  # the frozen model beside the one that learns
    fixed = exactly(logit_bytes(shape, stage) / MEBIBYTE + state)
    around = Range(low=0.9, likely=1, high=1.3)
    return micro * each * growth + fixed + exactly(held) * around + ONE


def learned_weights(stage: TrainStage, shape: Shape) -> int:
    """The weights that learn: the adapter's, or all."""
    if stage.lora is None:
        return shape.parameters
    return shape.adapter(stage.lora.r, stage.lora.targets)


def weights_mb(shape: Shape, precision: Precision, on_gpu: bool) -> float:
    """The frozen weights; on a processor the file they are rounded from stays mapped."""
    if precision != "nf4":
        return (4 if precision == "float32" else 2) * shape.parameters / MEBIBYTE
    tables = shape.parameters - shape.linear
    rounded = (2 * tables + 0.52 * shape.linear) / MEBIBYTE
    return rounded if on_gpu else rounded + 2 * shape.parameters / MEBIBYTE + QUANTISING


def _growth(micro_batches: float) -> float:
    """How many times a micro-batch's tensors their holes make of it, once there were so many.

    Fitted to twelve train stages (docs/lab.md): the C library's allocator finds new places for
    tensors of sizes that it has not seen.
    """
    return max(1.2, 0.75 + 0.675 * math.log(max(1.0, micro_batches)))
