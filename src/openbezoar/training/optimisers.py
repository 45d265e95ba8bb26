"""The optimisers an adapter can be trained with, from torch and bitsandbytes."""

from typing import Any

import torch

from openbezoar.training.adapters import adapter_tensors
from openbezoar.training.settings import Optimisation, check_optimiser

__all__ = ["make_optimiser"]


def make_optimiser(model: Any, settings: Optimisation) -> torch.optim.Optimizer:
    """The optimiser of a model's trainable tensors, all in one group."""
    parameters = list(adapter_tensors(model).values())
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, weight_decay=decay)
    device = str(model.device)
    check_optimiser(settings.optimiser, device)
    from bitsandbytes.optim import AdamW8bit, PagedAdamW8bit

    # pages move between a GPU's memory and the machine's; elsewhere there is one memory
    kind = PagedAdamW8bit if device.startswith("cuda") else AdamW8bit
    optimiser: torch.optim.Optimizer = kind(parameters, lr=rate, weight_decay=decay)
    return optimiser
