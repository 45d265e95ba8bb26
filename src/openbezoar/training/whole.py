"""Training of all weights, with a second, frozen model where there must be a reference."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from openbezoar.training.adapters import quiet
from openbezoar.training.merging import write_surroundings

__all__ = ["Whole", "save_whole"]


class Whole(torch.nn.Module):
    """A model all of whose weights learn, for the loop like one with an adapter.

    With the adapter switched off a model with an adapter is its own reference; here `frozen`, the
    same checkpoint loaded once more, takes the place of `policy`.
    """

    def __init__(self, policy: Any, frozen: Any = None) -> None:
        super().__init__()
        self.policy = policy.requires_grad_(True).train()
        self.frozen = None if frozen is None else frozen.requires_grad_(False)
        self._is_off = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.policy.device
        return device

    @property
    def config(self) -> Any:
        """The configuration of either model."""
        return self.policy.config

    def get_base_model(self) -> Any:
        """The model that computes now."""
        return self.frozen if self._is_off else self.policy

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        """Let the frozen model compute."""
        self._is_off = True
        try:
            yield
        finally:
            self._is_off = False


def save_whole(base: Path, model: Whole, tokenizer: Any, folder: Path) -> None:
    """Write the weights as they were trained, and all else of the checkpoint `base`."""
    with quiet():
        model.policy.save_pretrained(str(folder), safe_serialization=True)
    write_surroundings(base, tokenizer, folder, dtype="float32")
