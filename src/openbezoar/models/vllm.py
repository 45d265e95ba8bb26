"""A model served by vLLM: `vllm serve` as our own child process, asked like any other server."""

import asyncio
import re
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from openbezoar import hub
from openbezoar.errors import MissingExtra
from openbezoar.families import ChatModel, ModelSpec, Request
from openbezoar.files import cache_folder
from openbezoar.models.child import Child, free_port, running
from openbezoar.models.counting import SERVER
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.limits import Limits
from openbezoar.models.openai import OpenAI, served_at
from openbezoar.models.retrying import Trouble
from openbezoar.records import Completion

__all__ = ["Vllm", "VllmModel", "VllmRuntime"]


DYING = 0.5
"""Seconds between a broken connection and the look at whether the server itself has ended."""


class VllmRuntime(Limits):
    """Where vLLM is, what it may use of the machine, and how long we wait for it."""

    command: str = "vllm"
    """The program: a name on the PATH or beside this Python, or a path."""
    gpus: int = Field(1, ge=1)
    """GPUs that hold the model together (tensor parallelism)."""
    gpu_memory: float = Field(0.9, gt=0, le=1)
    """The share of each GPU's memory that vLLM takes."""
    concurrency: int = Field(128, ge=1)
    """Requests in flight at a time."""
    start_timeout: float = Field(1800.0, gt=0)
    """Seconds until the model must be loaded; a first start downloads it."""
    timeout: float = Field(600.0, gt=0)
    """Seconds to wait for one answer."""

    @property
    def in_flight(self) -> int:
        """The concurrency."""
        return self.concurrency


class Vllm(ModelSpec):
    """A checkpoint served by vLLM on this machine."""

    kind: Literal["vllm"] = "vllm"
    model: str
    """A checkpoint's folder, or its name on the hub."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """The numbers it computes with; `auto` follows the checkpoint."""
    max_model_len: int | None = Field(None, ge=1)
    """Tokens of prompt and answer together; the model's own limit when not given."""
    arguments: tuple[str, ...] = ()
    """Further arguments of `vllm serve`, such as `--quantization=awq`."""
    extra: dict[str, JsonValue] = {}
    """Further fields of each request, such as `top_k`."""
    runtime: VllmRuntime = VllmRuntime()

    @property
    def label(self) -> str:
        """The name without the folders before it."""
        return Path(self.model).name

    @property
    def counts(self) -> bool:
        """Its server does."""
        return True

    def evidence(self) -> JsonValue:
        """The digest of a local checkpoint."""
        return hub.identity(self.model)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Start the server; it stops when the context ends."""
        return self.connect_in(None)

    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Start the server, with its log in the folder."""
        return self._served((folder or cache_folder()) / "logs")

    @asynccontextmanager
    async def _served(self, folder: Path) -> AsyncIterator[ChatModel]:
        program = _program(self.runtime.command)
        port = free_port()
        # Others on this machine reach the port too; the key keeps them out, and goes unseen
        # through the environment.
        key = secrets.token_hex(16)
        name = f"vllm serve {self.label}"
        log = folder / f"vllm-{re.sub(r'[^A-Za-z0-9._-]', '-', self.label)}.log"
        command = [program, *self._arguments(port)]
        async with running(name, command, {"VLLM_API_KEY": key}, log) as child:
            await child.healthy(f"http://127.0.0.1:{port}/health", self.runtime.start_timeout)
            async with served_at(self._client(port), key) as model:
                yield VllmModel(model, child)

    def _arguments(self, port: int) -> list[str]:
        limit = [f"--max-model-len={self.max_model_len}"] if self.max_model_len else []
        return [
            "serve",
            self.model,
            "--host=127.0.0.1",
            f"--port={port}",
            f"--served-model-name={self.label}",
            f"--dtype={self.dtype}",
            *limit,
            f"--gpu-memory-utilization={self.runtime.gpu_memory}",
            f"--tensor-parallel-size={self.runtime.gpus}",
            *self.arguments,
        ]

    def _client(self, port: int) -> OpenAI:
        return OpenAI(
            model=self.label,
            extra=self.extra,
            tokenizer=SERVER,
            runtime=Endpoint(
                base_url=f"http://127.0.0.1:{port}/v1",
                concurrency=self.runtime.concurrency,
                timeout=self.runtime.timeout,
            ),
        )


class VllmModel(ChatModel):
    """Asks the server, and says so when it has died, which no further try can mend."""

    def __init__(self, model: ChatModel, child: Child) -> None:
        self.name = model.name
        self._model = model
        self._child = child

    async def complete(self, request: Request) -> Completion:
        """Ask the server once; ModelError with its last words when it has died."""
        async with self._watched():
            return await self._model.complete(request)

    async def count_tokens(self, text: str) -> int:
        """The server's count; ModelError with its last words when it has died."""
        async with self._watched():
            return await self._model.count_tokens(text)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        try:
            yield
        except Trouble:
            await asyncio.sleep(DYING)
            self._child.check()
            raise


def _program(command: str) -> str:
    beside = Path(sys.executable).parent / command
    found = shutil.which(command) or shutil.which(beside)
    if found is None:
        raise MissingExtra(
            f"models of kind vllm need the program {command!r}; pip install 'openbezoar[vllm]', or "
            "name one of another environment with `runtime.command`"
        )
    return str(Path(found).absolute())
