"""The adapter at the evaluation with the lowest validation loss, kept while training goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from openbezoar.training.adapters import adapter_tensors

__all__ = ["best_step", "keep_if_best", "restore_best"]

Metrics = Sequence[Mapping[str, float]]


def best_step(metrics: Metrics) -> int:
    """The step after which the validation loss was lowest, the first of equals; never step 0."""
    losses = [
        (line["valid_loss"], int(line["step"]))
        for line in metrics
        if "valid_loss" in line and line["step"] > 0
    ]
    return min(losses)[1]


def keep_if_best(folder: Path, model: Any, metrics: Metrics) -> None:
    """Save the adapter when the evaluation noted last is the best one yet.

    Every improvement keeps a file of its own: a run that was killed and resumed at an earlier
    step may still need one from before a file of a later step.
    """
    step = int(metrics[-1]["step"])
    if best_step(metrics) != step:
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "partial"
    save_file(
        {name: tensor.detach().cpu() for name, tensor in adapter_tensors(model).items()}, partial
    )
    partial.rename(_file(folder, step))


@torch.no_grad()
def restore_best(folder: Path, model: Any, metrics: Metrics) -> int:
    """Put the best adapter back into the model; returns its step."""
    step = best_step(metrics)
    tensors = load_file(_file(folder, step))
    for name, parameter in adapter_tensors(model).items():
        parameter.copy_(tensors[name])
    return step


def _file(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}.safetensors"
