"""A checkpoint in this process: where it comes from, and how it is loaded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from openbezoar import hub
from openbezoar.component import Runtime
from openbezoar.devices import Device, check_device
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import ChatModel, ModelSpec
from openbezoar.models.checkpoint import Checkpoint

__all__ = ["Placement", "Transformers", "load"]


class Placement(Runtime):
    """Where the checkpoint runs and how much at a time."""

    device: Device = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, `xpu`, or `auto`: the fastest there is."""
    batch: int = Field(8, ge=1)
    """Requests answered together."""


class Transformers(ModelSpec):
    """A checkpoint with safetensors weights, loaded with transformers."""

    kind: Literal["transformers"] = "transformers"
    scores = True
    trains = True
    shapes = False
    checkpoint: str
    """A folder, or a name that the hub knows."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """The precision it answers in."""
    runtime: Placement = Placement()

    @property
    def label(self) -> str:
        """The checkpoint's name without the folders before it."""
        return self.checkpoint.rstrip("/").rsplit("/", maxsplit=1)[-1]

    @property
    def travels(self) -> bool:
        """Each worker loads the checkpoint, on a GPU of its own machine where it claims one."""
        return True

    @property
    def counts(self) -> bool:
        """It is loaded with its tokenizer."""
        return True

    def evidence(self) -> JsonValue:
        """The digest of the checkpoint's files."""
        return hub.identity(self.checkpoint)

    def check_ready(self) -> None:
        """The checkpoint must be here; it is fetched where it can be."""
        self.folder()

    def folder(self) -> Path:
        """Where its weights lie; fetched first where they must be."""
        return hub.checkpoint(self.checkpoint)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Load the checkpoint; its memory is freed when the context ends."""
        return self._loaded()

    @asynccontextmanager
    async def _loaded(self) -> AsyncIterator[ChatModel]:
        yield await asyncio.to_thread(load, self)


def load(spec: Transformers) -> Checkpoint:
    """Load model and tokenizer; ConfigError when the checkpoint is no chat model."""
    try:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        from openbezoar.training.tokenizer import load_tokenizer
    except ImportError:
        raise MissingExtra(
            "models of kind transformers need torch; pip install 'openbezoar[train]'"
        ) from None
    check_device(spec.runtime.device)
    logging.disable_progress_bar()
    folder = hub.checkpoint(spec.checkpoint)
    try:
        tokenizer = load_tokenizer(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, spec.dtype), use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise ConfigError(f"{spec.checkpoint}: transformers cannot load it ({reason})") from None
    if not tokenizer.chat_template:
        raise ConfigError(
            f"{spec.checkpoint}: its tokenizer has no chat template, so it cannot be asked; "
            "name a chat model, or train it first"
        )
    model = model.eval().to(_device(spec.runtime.device))
    return Checkpoint(spec.label, model, tokenizer, spec.runtime.batch)


def _device(wanted: str) -> str:
    import torch

    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
