"""A worker: runs rows in a process of its own, and sends the requests that the driver lets pass."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import JsonValue

from openbezoar import __version__
from openbezoar.cluster.wire import End, Letter, distant
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import ChatModel, ModelSpec, Work

__all__ = ["Hello", "Job", "Worker"]


@dataclass(frozen=True)
class Job:
    """What every worker of a stage is told."""

    work: Work
    spec: ModelSpec
    evidence: JsonValue
    """The files behind the model, as the driver sees them."""
    scores: bool


class Hello(NamedTuple):
    """A worker's first word."""

    host: str
    version: str


class Worker:
    """Runs rows, each with a model that asks the driver; asks the model itself for the driver.

    So that the cache, the budgets and the rates are the driver's alone, every request of a row goes
    there, and comes back to some worker to be sent unless the driver knows the answer.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._host = socket.gethostname()
        self._end = End(self._answer)
        self._driver = distant(job.spec.label, self._end.call, job.scores, job.spec.shapes)
        self._opening = asyncio.Lock()
        self._opened: ChatModel | None = None
        # Never closed: a worker ends with its process.
        self._stack = AsyncExitStack()

    async def hello(self) -> Hello:
        """Who it is."""
        return Hello(self._host, __version__)

    async def give(self) -> list[Letter]:
        """Wait for letters to the driver."""
        return await self._end.outgoing()

    async def take(self, letters: Sequence[Letter]) -> None:
        """Read letters of the driver."""
        self._end.receive(letters)

    async def _answer(self, what: str, given: tuple[Any, ...]) -> Any:
        if what == "row":
            return await self._job.work(given[0], self._driver)
        return await getattr(await self._model(), what)(*given)

    async def _model(self) -> ChatModel:
        async with self._opening:
            if self._opened is None:
                try:
                    self._check_files()
                    opened = self._job.spec.connect()
                    self._opened = await self._stack.enter_async_context(opened)
                except (ConfigError, MissingExtra) as error:
                    raise type(error)(f"on {self._host}: {error}") from None
        return self._opened

    def _check_files(self) -> None:
        if self._job.spec.evidence() != self._job.evidence:
            raise ConfigError(
                f"model {self._job.spec.label!r} has other files here than where the run was "
                "started; copy them, or name a folder that all machines share"
            )
