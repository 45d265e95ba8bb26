"""How much memory stages hold; the formulas and where they come from are in docs/planning.md."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openbezoar import hub
from openbezoar.errors import ConfigError
from openbezoar.estimates.shapes import Shape, shape_of
from openbezoar.families import ModelSpec
from openbezoar.models.llama_cpp import PROMPT_MEMORY, LlamaCpp
from openbezoar.models.transformers import Transformers
from openbezoar.ranges import Range

__all__ = [
    "LIGHT",
    "MEBIBYTE",
    "NO_FILE",
    "TORCH",
    "WARM",
    "answering",
    "has_gpu",
    "held_on_gpu",
    "served",
]

MEBIBYTE = 1 << 20
NO_FILE = "what its model holds is not known here: its file is absent, or of a kind nobody knows"
LIGHT = Range(low=50, likely=60, high=150)
"""A process that works on rows alone."""
TORCH = Range(low=420, likely=450, high=700)
"""One that has just imported torch, transformers and peft."""
WARM = Range(low=500, likely=1050, high=1400)
"""One that has held a model before: allocators and mapped libraries keep pages."""


def has_gpu(device: str = "auto") -> bool:
    """Whether work on this device is work on a GPU of NVIDIA's."""
    if device != "auto":
        return device.startswith("cuda")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return Path("/proc/driver/nvidia/version").exists() and not hidden and not _is_for_cpus()


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
    """What a checkpoint that answers or is measured adds to main memory."""
    if shape is None:
        return None
    if has_gpu(device):
        return Range(low=0, likely=300, high=700)
    weights, logits = _weights_and_logits(shape, rows)
    return Range(
        low=weights + logits / 2, likely=weights + logits + 300, high=weights + 3 * logits + 700
    )


def held_on_gpu(shape: Shape, rows: int = 1) -> Range:
    """What a checkpoint that answers or is measured takes of a GPU; reckoned, never measured."""
    weights, logits = _weights_and_logits(shape, rows)
    return Range(
        low=weights + logits / 2, likely=1.1 * weights + logits, high=1.3 * weights + 3 * logits
    )


def _weights_and_logits(shape: Shape, rows: int) -> tuple[float, float]:
    """In bfloat16, and of some rows of middling length."""
    return 2 * shape.parameters / MEBIBYTE, rows * 150 * shape.sizes.vocabulary * 10 / MEBIBYTE


def _is_for_cpus() -> bool:
    """Whether the torch that is installed knows no GPU; to import it takes seconds."""
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False


def _file_mb(model: str) -> float | None:
    """The size of a GGUF file that is here; the embedded one's is known."""
    if model == hub.EMBEDDED:
        return 98_362_432 / MEBIBYTE
    try:
        return hub.gguf(model).stat().st_size / MEBIBYTE
    except (ConfigError, OSError):
        return None
