"""How much memory stages hold; the formulas and where they come from are in docs/planning.md."""

import os
from pathlib import Path

from openbezoar import hub
from openbezoar.errors import ConfigError
from openbezoar.estimates.shapes import Shape, shape_of
from openbezoar.families import ModelSpec
from openbezoar.models.llama_cpp import PROMPT_MEMORY, LlamaCpp
from openbezoar.models.transformers import Transformers
from openbezoar.ranges import Range
from openbezoar.training.settings import TrainingRuntime

__all__ = ["LIGHT", "MEBIBYTE", "TORCH", "WARM", "activations", "answering", "has_gpu", "served"]

MEBIBYTE = 1 << 20
LIGHT = Range(low=50, likely=60, high=150)
"""A process that works on rows alone."""
TORCH = Range(low=420, likely=450, high=700)
"""One that has just imported torch, transformers and peft."""
WARM = Range(low=650, likely=850, high=1300)
"""One that has held a model before: allocators and mapped libraries keep pages."""


def has_gpu(device: str = "auto") -> bool:
    """Whether work on this device is work on a GPU of NVIDIA's."""
    if device != "auto":
        return device.startswith("cuda")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return Path("/proc/driver/nvidia/version").exists() and not hidden


def served(spec: ModelSpec, tokens: float) -> Range | None:
    """What a model that answers in this process adds; nothing where it is behind a server.

    `tokens` are those that it reads and writes in all, which llama.cpp remembers up to a bound.
    """
    if isinstance(spec, Transformers):
        return answering(shape_of(spec.checkpoint), spec.runtime.device)
    if not isinstance(spec, LlamaCpp):
        return Range(low=0, likely=20, high=100)
    shape, weights = shape_of(spec.model), _file_mb(spec.model)
    if shape is None or weights is None:
        return None
    slots = spec.slots(spec.copies(int(weights * MEBIBYTE)))
    cache = spec.context * slots * shape.cache_bytes / MEBIBYTE
    remembered = min(PROMPT_MEMORY, tokens * shape.cache_bytes / MEBIBYTE)
    likely = weights + cache + remembered + 30
    return Range(
        low=0.8 * likely, likely=likely, high=1.2 * (weights + cache) + PROMPT_MEMORY + 100
    )


def answering(shape: Shape | None, device: str = "auto", rows: int = 1) -> Range | None:
    """A checkpoint that answers or is measured: its weights and some rows' logits."""
    if shape is None:
        return None
    logits = rows * 150 * shape.sizes.vocabulary * 10 / MEBIBYTE
    weights = 0.0 if has_gpu(device) else 2 * shape.parameters / MEBIBYTE
    return Range(
        low=weights + logits / 2, likely=weights + logits + 300, high=weights + 3 * logits + 700
    )


def activations(shape: Shape, keys: float, runtime: TrainingRuntime) -> float:
    """The bytes that a token leaves for the backward pass.

    A layer keeps what its norms, adapters, attention and gate were given: on a processor 50 bytes
    for each of the hidden size (dropout keeps its mask and its product in 32 bits for each of three
    adapters), 6 for each of the inner size, 4 for each of the attention's outputs, keys and values,
    and the weights of its heads over the keys. On a GPU masks are bytes and no weights are kept.
    """
    sizes = shape.sizes
    outputs = 4 * (sizes.heads + 2 * sizes.key_heads) * sizes.head
    on_gpu = has_gpu(runtime.device)
    hidden = (30 if on_gpu else 50) * sizes.hidden
    weights = 0 if on_gpu else 2 * sizes.heads * min(keys, 1024)
    layer = hidden + 6 * sizes.inner + outputs + weights
    if runtime.recompute:
        return sizes.layers * 2 * sizes.hidden + layer
    return sizes.layers * layer


def _file_mb(model: str) -> float | None:
    """The size of a GGUF file that is here; the embedded one's is known."""
    if model == hub.EMBEDDED:
        return 98_362_432 / MEBIBYTE
    try:
        return hub.gguf(model).stat().st_size / MEBIBYTE
    except (ConfigError, OSError):
        return None
