"""What the processes of a training tell one another: sums over rows, and the step's gradient."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

__all__ = ["Part", "clipped_norm", "largest", "summed"]


@dataclass(frozen=True)
class Part:
    """What a micro-batch gave: sums over its rows, on the device until they are read."""

    rows: list[int]
    sums: dict[str, torch.Tensor]


def summed(parts: Sequence[Part]) -> tuple[dict[str, float], list[int]]:
    """The sums of all processes, and the rows whose loss is no number; alike in every process."""
    mine = [(part.rows, {name: float(sum_) for name, sum_ in part.sums.items()}) for part in parts]
    everyones: list[tuple[list[int], dict[str, float]]] = gather_object(mine)
    totals: dict[str, float] = {}
    broken: list[int] = []
    for rows, sums in everyones:
        if not math.isfinite(sums["loss"]):
            broken += rows
        for name, value in sums.items():
            totals[name] = totals.get(name, 0.0) + value
    return totals, broken


def clipped_norm(tensors: Sequence[torch.Tensor], accelerator: Accelerator, most: float) -> float:
    """Sum the gradients of all processes and clip them; the norm before."""
    if accelerator.num_processes > 1:
        gradients = [
            # fewer rows than processes: one has nothing to add
            torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            for tensor in tensors
        ]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        whole = accelerator.reduce(flat, reduction="sum")
        sizes = [gradient.numel() for gradient in gradients]
        for tensor, part in zip(tensors, whole.split(sizes), strict=True):
            tensor.grad = part.view_as(tensor)
    return float(accelerator.clip_grad_norm_(tensors, most))


def largest(found: dict[str, float]) -> dict[str, float]:
    """The largest figure of each name among all processes."""
    everyones: list[dict[str, float]] = gather_object([found])
    return {name: max(one[name] for one in everyones) for name in found}
