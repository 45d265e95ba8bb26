"""Running out of memory, told as the settings that need less of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from openbezoar.errors import ModelError
from openbezoar.training.settings import Optimisation, TrainingRuntime
from openbezoar.training.whole import Whole

__all__ = ["told_what_to_lower"]

SIGNS = ("can't allocate memory", "out of memory", "not enough memory", "alloc_failed")
"""What torch's allocators and CUDA's libraries say, each in its own words."""


@contextmanager
def told_what_to_lower(
    settings: Optimisation, runtime: TrainingRuntime, model: Any = None
) -> Iterator[None]:
    """Turn an allocator's error into one line that names the settings to change, in order."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_shortage(error):
            raise
        raise ModelError(
            f"out of memory{_where(error)}; {_advice(settings, runtime, model)}; "
            "a rerun continues from the last checkpoint where the settings allow it"
        ) from None


def _is_shortage(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return any(sign in text for sign in SIGNS)


def _where(error: Exception) -> str:
    return " of the GPU" if "cuda" in str(error).lower() else ""


def _advice(settings: Optimisation, runtime: TrainingRuntime, model: Any) -> str:
    found = [f"lower runtime.micro_tokens ({runtime.micro_tokens} now)"]
    if not runtime.recompute:
        found.append("set `runtime.recompute: true`")
    found.append(f"lower optimisation.max_tokens ({settings.max_tokens} now)")
    if isinstance(model, Whole):
        found.append("train an adapter (`lora`) in place of all weights")
    elif model is None or not getattr(model, "is_loaded_in_4bit", False):
        found.append("set `precision: nf4`")
    return ", then ".join(found)
