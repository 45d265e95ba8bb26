"""The linear layers of a model, by name: those that an adapter may go on."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError
from openbezoar.training.adapters import quiet

__all__ = ["check_targets", "empty_model"]


def check_targets(targets: Iterable[str], model: Any) -> None:
    """Raise ConfigError when an adapter is to go on a layer that the model does not have."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    layers = {
        name.rsplit(".", 1)[-1]
        for name, part in model.named_modules()
        if isinstance(part, Linear | Conv1D)
    }
    if missing := sorted(set(targets) - layers):
        raise ConfigError(
            f"lora.targets: the model has no linear layer called {missing[0]!r}; it has "
            f"{', '.join(sorted(layers))}"
        )


@cache
def empty_model(folder: Path) -> Any:
    """A checkpoint's model without weights, which takes neither memory nor a second to speak of."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        with quiet(), torch.device("meta"):
            return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(str(folder)))
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise ConfigError(
            f"{folder}: transformers makes no language model of it ({reason})"
        ) from None
