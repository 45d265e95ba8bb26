"""How an adapter is trained: optimiser, schedule, batch and the logistics of a run."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from openbezoar.component import Component, Runtime
from openbezoar.errors import ConfigError
from openbezoar.training.health import Health

__all__ = ["GPU_ONLY", "Optimisation", "TrainingRuntime", "check_optimiser", "learning_rate_at"]

GPU_ONLY = frozenset({"paged_adamw_8bit"})
"""The optimisers that no processor runs."""


class Optimisation(Component):
    """What each optimiser step does; defaults from the authors' script where it has one."""

    optimiser: Literal["adamw", "paged_adamw_8bit", "rmsprop"] = "adamw"
    """paged_adamw_8bit (bitsandbytes) saves memory on a CUDA GPU and needs one."""
    learning_rate: PositiveFloat = 3e-4
    schedule: Literal["linear", "constant"] = "linear"
    """After the warm-up: down to 0 at the last step, or level."""
    warmup_steps: int = Field(default=0, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: PositiveFloat = 1.0
    """The largest norm of a step's gradient."""
    batch_rows: PositiveInt = 16
    """Rows (pairs for dpo) per optimiser step."""
    epochs: PositiveInt = 1
    max_tokens: PositiveInt = 1024
    """A longer sequence loses its earliest turns; one that is still longer is left out, counted."""
    evaluate_every: int = Field(default=0, ge=0)
    """Steps between two evaluations on the validation rows; 0: only before and after."""


class TrainingRuntime(Runtime):
    """Where and how fast; never what comes out, beyond rounding."""

    device: str = "auto"
    micro_tokens: PositiveInt = 1024
    """Tokens computed at a time: lower it when memory runs out. With dropout it also decides, as a
    seed would, which units rest."""
    checkpoint_every: PositiveInt = 10
    """Optimiser steps between two checkpoints; a killed run loses at most these."""
    health: Health = Health()
    """What is watched in preference training."""


def check_optimiser(optimiser: str, device: str) -> None:
    """Raise ConfigError when the optimiser does not run on this kind of device."""
    if optimiser in GPU_ONLY and not device.startswith("cuda"):
        raise ConfigError(
            f"optimisation.optimiser: {optimiser} needs a CUDA GPU; use adamw on this machine"
        )


def learning_rate_at(settings: Optimisation, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, out of `steps`."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    left = (steps - step) / max(1, steps - settings.warmup_steps)
    return settings.learning_rate * left
