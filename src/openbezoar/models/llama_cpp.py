"""A GGUF model in this process: llama.cpp's server on a loopback port, asked like any other."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue

from openbezoar import hub
from openbezoar.errors import MissingExtra, ModelError
from openbezoar.families import ChatModel, ModelSpec
from openbezoar.models.beside import Beside
from openbezoar.models.counting import SERVER
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.limits import Limits
from openbezoar.models.openai import OpenAI, served_at

__all__ = ["LlamaCpp", "Slots"]

PROMPT_MEMORY = 512
"""MiB that llama.cpp may spend on remembering prompts; its own default is 8 GiB."""
SMALL = 512 * 2**20
"""Bytes up to which a model is served once a core; reading a larger one is what takes the time."""
SHARED = 8
"""Answers that one server writes side by side, so that the weights are read once for all."""


class Slots(Limits):
    """How many answers are written at a time, and on how many cores."""

    slots: int = Field(0, ge=0)
    """Answers written side by side; 0: one by each copy of the model, or 8 by the only one."""
    servers: int = Field(0, ge=0)
    """Copies of the model that share the slots; 0: one a core where the file is small and `threads`
    is not given, else one. Copies never wait for each other, as the threads of one must."""
    threads: int = Field(0, ge=0)
    """Threads of each copy; 0: one where there are several copies, else one fewer than the cores,
    since threads that must share a core with other work wait for each other (docs/lab.md has what
    that costs)."""
    timeout: float = Field(600.0, gt=0)
    """Seconds to wait for one answer."""

    @property
    def in_flight(self) -> int:
        """As many as there are slots, and where that is left open enough to keep all busy."""
        return self.slots or max(SHARED, _cores())


class LlamaCpp(ModelSpec):
    """A GGUF model served by llama.cpp inside this process."""

    kind: Literal["llama_cpp"] = "llama_cpp"
    model: str = "smollm2-135m-instruct"
    """A model the hub knows by this name, or the path of a GGUF file."""
    context: int = Field(2048, ge=64)
    """Tokens of prompt and answer together; a longer prompt fails its row."""
    top_k: int = Field(40, ge=0)
    """Only the k likeliest tokens are drawn from; 0 draws from all."""
    min_p: float = Field(0.05, ge=0, le=1)
    """Tokens less likely than this share of the likeliest are not drawn; 0 draws from all."""
    runtime: Slots = Slots()

    @property
    def label(self) -> str:
        """The file's name without its ending, or the model's name."""
        return Path(self.model).name.removesuffix(".gguf")

    @property
    def counts(self) -> bool:
        """Its server does."""
        return True

    def evidence(self) -> JsonValue:
        """The digest of the weights."""
        return hub.identity(self.model)

    def check_ready(self) -> None:
        """The GGUF file must be here; it is fetched where it can be."""
        hub.gguf(self.model)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Start the server; it stops, and frees its memory, when the context ends."""
        return self._served()

    def copies(self, size: int) -> int:
        """How many servers a file of this many bytes has; none without a slot."""
        once = size > SMALL or self.runtime.threads > 0
        wanted = self.runtime.servers or (1 if once else _cores())
        return min(wanted, self.runtime.slots or wanted)

    def slots(self, copies: int) -> int:
        """How many answers all servers write at a time."""
        return self.runtime.slots or (copies if copies > 1 else SHARED)

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[ChatModel]:
        _library()
        copies = self.copies(hub.gguf(self.model).stat().st_size)
        servers = [await asyncio.to_thread(self._start, copies) for _ in range(copies)]
        async with AsyncExitStack() as stack:
            models = [
                await stack.enter_async_context(
                    served_at(self._client(server.listening_address), key="none")
                )
                for server in servers
            ]
            yield Beside(models) if copies > 1 else models[0]

    def _client(self, address: str) -> OpenAI:
        return OpenAI(
            model=self.label,
            extra={"top_k": self.top_k, "min_p": self.min_p},
            tokenizer=SERVER,
            runtime=Endpoint(
                base_url=f"{address}/v1",
                concurrency=self.runtime.in_flight,
                timeout=self.runtime.timeout,
            ),
        )

    def _start(self, copies: int) -> Any:
        xllamacpp = _library()
        path = hub.gguf(self.model)
        wanted = xllamacpp.CommonParams()
        wanted.model.path = str(path)
        wanted.n_parallel = -(-self.slots(copies) // copies)
        wanted.n_ctx = self.context * wanted.n_parallel
        wanted.port = 0
        wanted.verbosity = 0
        wanted.warmup = False
        wanted.cache_ram_mib = PROMPT_MEMORY // copies
        alone = max(1, _cores() - 1) if copies == 1 else 1
        wanted.cpuparams.n_threads = self.runtime.threads or alone
        try:
            return xllamacpp.Server(wanted)
        except RuntimeError as error:
            raise ModelError(
                f"{path}: llama.cpp cannot serve it ({error}); is it a GGUF file of a chat model, "
                "and does its context fit the memory?"
            ) from None


def _library() -> Any:
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtra(
            "models of kind llama_cpp need xllamacpp; pip install 'openbezoar[llama]'"
        ) from None
    return xllamacpp


def _cores() -> int:
    """The cores this process may use, where the system tells, else all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
