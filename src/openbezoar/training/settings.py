"""How an adapter is trained: optimiser, schedule, batch and the logistics of a run."""

import math
import os
from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from openbezoar.component import Component, Runtime
from openbezoar.devices import Device
from openbezoar.errors import ConfigError
from openbezoar.training.adapters import device_for
from openbezoar.training.health import Health

__all__ = [
    "Optimisation",
    "TrainingRuntime",
    "check_machine",
    "check_optimiser",
    "check_trackers",
    "learning_rate_at",
]

EIGHT_BIT = frozenset({"paged_adamw_8bit"})
EIGHT_BIT_DEVICES = ("cuda", "cpu", "xpu")
"""The kinds of device that bitsandbytes has an 8-bit optimiser for."""
LAUNCHERS = (
    "ACCELERATE_USE_", "ACCELERATE_MIXED_PRECISION", "ACCELERATE_GRADIENT_ACCUMULATION_STEPS",
)  # fmt: skip
"""What accelerate would obey in place of the recipe: FSDP, DeepSpeed, fp8, a smaller loss."""


class Optimisation(Component):
    """What each optimiser step does; defaults from the authors' script where it has one."""

    optimiser: Literal["adamw", "paged_adamw_8bit", "rmsprop"] = "adamw"
    """paged_adamw_8bit (bitsandbytes) keeps its state in 8 bits and, on a CUDA GPU, in pages that
    move to main memory when the GPU's is full."""
    learning_rate: PositiveFloat = 3e-4
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """After the warm-up: down to 0 at the end, straight or as half a cosine, or level."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises to its full height."""
    warmup_ratio: float = Field(default=0.0, ge=0, le=1)
    """The same as a share of all steps, rounded up; give one of the two."""
    weight_decay: float = Field(default=0.0, ge=0)
    clip: PositiveFloat = 1.0
    """The largest norm of a step's gradient."""
    batch_rows: PositiveInt = 16
    """Rows (pairs for dpo) per optimiser step, over all processes."""
    epochs: PositiveInt = 1
    max_tokens: PositiveInt = 1024
    """A longer sequence loses its earliest turns; one that is still longer is left out, counted."""
    evaluate_every: int = Field(default=0, ge=0)
    """Steps between two evaluations on the validation rows; 0: only before and after."""

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps and self.warmup_ratio:
            raise ValueError("give warmup_steps or warmup_ratio, not both")
        return self


class TrainingRuntime(Runtime):
    """Where and how fast; never what comes out, beyond rounding."""

    device: Device = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, `xpu`, or `auto`: a CUDA GPU where there is one."""
    processes: PositiveInt = 1
    """Processes of this machine that share the rows of every step, one GPU each; without GPUs each
    holds the model in memory and has its share of the cores."""
    micro_tokens: PositiveInt = 1024
    """Tokens computed at a time: lower it when memory runs out. With dropout it also decides, as a
    seed would, which units rest; so do the processes."""
    recompute: bool = False
    """Gradient checkpointing: a layer's activations are computed again in the backward pass instead
    of kept, for less memory and more time; the gradients stay the same."""
    checkpoint_every: PositiveInt = 10
    """Optimiser steps between two checkpoints; a killed run loses at most these."""
    trackers: tuple[str, ...] = ()
    """Where accelerate sends the metrics as well: tensorboard, wandb, mlflow, ..."""
    health: Health = Health()
    """What is watched in preference training."""


def check_machine(settings: Optimisation, runtime: TrainingRuntime) -> None:
    """Raise ConfigError when this machine, as it is, cannot do what the settings ask for."""
    if os.environ.get("WORLD_SIZE", "1") not in ("", "1"):
        raise ConfigError(
            "a train stage starts its own processes: run bezoar without torchrun or "
            "`accelerate launch` and say how many in runtime.processes"
        )
    if told := [name for name in sorted(os.environ) if name.startswith(LAUNCHERS)]:
        raise ConfigError(
            f"{told[0]}: this environment variable would change what accelerate computes; unset "
            "it, and say in the recipe how to train"
        )
    check_trackers(runtime.trackers)
    # To ask torch takes seconds: `auto` is one of two devices that every optimiser runs on.
    if runtime.device != "auto":
        check_optimiser(settings.optimiser, runtime.device)
    if runtime.processes > 1:
        _check_processes(runtime.processes, device_for(runtime.device))


def check_optimiser(optimiser: str, device: str) -> None:
    """Raise ConfigError when the optimiser does not run on this kind of device."""
    if optimiser in EIGHT_BIT and not device.startswith(EIGHT_BIT_DEVICES):
        raise ConfigError(
            f"optimisation.optimiser: {optimiser} does not run on {device}; use adamw"
        )


def check_trackers(trackers: tuple[str, ...]) -> None:
    """Raise ConfigError for a tracker that accelerate does not know or that is not installed."""
    if not trackers:
        return
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, LoggerType, get_available_trackers

    here = {str(name) for name in get_available_trackers()}
    for name in trackers:
        if name not in LOGGER_TYPE_TO_CLASS:
            known = ", ".join(sorted(map(str, LOGGER_TYPE_TO_CLASS)))
            raise ConfigError(f"runtime.trackers: no tracker is called {name!r} (known: {known})")
        if name in map(str, LoggerType) and name not in here:
            raise ConfigError(f"runtime.trackers: {name} is not installed; pip install {name}")


def learning_rate_at(settings: Optimisation, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, out of `steps`."""
    warmup = settings.warmup_steps or math.ceil(settings.warmup_ratio * steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    if settings.schedule == "constant":
        return settings.learning_rate
    left = (steps - step) / max(1, steps - warmup)
    if settings.schedule == "cosine":
        left = (1 - math.cos(math.pi * left)) / 2
    return settings.learning_rate * left


def _check_processes(processes: int, device: str) -> None:
    if device == "cpu":
        _check_cores(processes)
        return
    if device != "cuda":
        raise ConfigError(
            f"runtime.processes: {processes} processes share the GPUs of this machine, or its CPU; "
            f"with `device: {device}` there can be one"
        )
    import torch

    found = torch.cuda.device_count()
    if processes > found:
        raise ConfigError(
            f"runtime.processes: {processes} need as many GPUs; this machine has {found}"
        )


def _check_cores(processes: int) -> None:
    cores = os.cpu_count() or processes
    if processes > cores:
        raise ConfigError(
            f"runtime.processes: {processes} would share the {cores} processor cores of this "
            f"machine, each with a model of its own in memory; write {cores} at most"
        )
