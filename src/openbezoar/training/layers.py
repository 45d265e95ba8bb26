"""The linear layers that an adapter may go on, by name: of a model, or of a checkpoint's files."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError

__all__ = ["check_targets", "linear_layers", "stored_layers"]

EMBEDDINGS = ("emb", "wte", "wpe")
"""What names of embeddings hold, whose weights have two dimensions too."""
OUTPUT = "lm_head"
"""A layer that files leave out where it shares the embedding's weights."""


def check_targets(targets: Iterable[str], layers: Collection[str]) -> None:
    """Raise ConfigError when an adapter is to go on a layer that is not there."""
    if missing := sorted(set(targets) - set(layers)):
        raise ConfigError(
            f"lora.targets: the model has no linear layer called {missing[0]!r}; it has "
            f"{', '.join(sorted(layers))}"
        )


def linear_layers(model: Any) -> set[str]:
    """Those of a loaded model."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    parts = model.named_modules()
    return {name.rsplit(".", 1)[-1] for name, part in parts if isinstance(part, Linear | Conv1D)}


def stored_layers(folder: Path) -> set[str]:
    """Those of a checkpoint, from the heads of its files: no weight is read, no torch needed."""
    from safetensors import SafetensorError, safe_open

    found = {OUTPUT}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="numpy") as held:
                shapes = {name: held.get_slice(name).get_shape() for name in held.keys()}  # noqa: SIM118 - no mapping
        except (SafetensorError, OSError) as error:
            raise ConfigError(f"{file}: cannot be read ({error}); fetch or make it anew") from None
        found |= {_module(name) for name, shape in shapes.items() if _is_linear(name, shape)}
    return found


def _module(tensor: str) -> str:
    """The name of the module that holds a tensor, without those around it."""
    return tensor.rpartition(".")[0].rpartition(".")[2]


def _is_linear(name: str, shape: list[int]) -> bool:
    is_embedding = any(part in _module(name) for part in EMBEDDINGS)
    return name.endswith(".weight") and len(shape) == 2 and not is_embedding
