"""Where rows are at work: in this process, or on a Ray cluster that this process connects to."""

import importlib.util
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveInt, field_validator

from openbezoar.cluster.crew import Crew
from openbezoar.cluster.hand import WorkerDied
from openbezoar.cluster.wire import Letter
from openbezoar.cluster.worker import Hello, Job, Worker
from openbezoar.component import Runtime
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import Bench, ChatModel, Run, Scorer, Work

__all__ = ["Engine", "connected", "placed"]

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray would print what befalls workers to stdout, where data goes.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
OBJECTS = 100 * 2**20
"""Bytes of shared memory for a cluster of our own: letters are small and soon read."""
KNOCK = 5.0
"""Seconds for an address to answer; Ray itself would try for minutes."""


class Engine(Runtime):
    """How many rows are at work at a time, and where."""

    concurrency: PositiveInt = 16
    """Rows at work at a time, on all workers together."""
    engine: Literal["local", "ray"] = "local"
    """`local` for this process, `ray` for the workers of a Ray cluster (docs/cluster.md)."""
    address: str = "auto"
    """Of the cluster: `auto` for the one that `ray start` has made this machine a part of, its
    `host:port`, or `local` to start one on this machine for the stage."""
    workers: PositiveInt | None = None
    """Processes that run rows, each on a processor of its own; one for each machine of the
    cluster when not given."""
    gpus: NonNegativeFloat = 0
    """GPUs that each worker has to itself, for a model of kind transformers; with 0 it claims none,
    and the workers of one machine share what is there."""

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if value not in ("auto", "local") and not (host and colon and port.isdigit()):
            raise ValueError(
                "must be auto, local or host:port; this machine must be a part of the cluster, so "
                "that ray:// is no address"
            )
        return value

    def opens(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the models that this machine opens itself."""
        return models if self.engine == "local" else ()

    def check_ready(self) -> None:
        """Raise MissingExtra when Ray is needed and not here."""
        if self.engine == "ray" and importlib.util.find_spec("ray") is None:
            raise MissingExtra("`engine: ray` needs Ray; pip install 'openbezoar[ray]'")


def placed(bench: Bench, engine: Engine) -> Bench:
    """The bench whose rows are at work where the engine says."""
    if engine.engine == "local":
        return bench
    return replace(bench, spread=partial(_spread, engine, bench))


@contextmanager
def connected(engine: Engine) -> Iterator[Any]:
    """Be connected to the cluster and give Ray's module; ConfigError when there is none."""
    engine.check_ready()
    os.environ.update(ENVIRONMENT)  # which Ray reads when it is imported
    import ray

    if ray.is_initialized():  # by a program that uses this package; it also shuts down
        yield ray
        return
    started: dict[str, Any] = {}
    if engine.address == "local":
        started = {"num_cpus": engine.workers or 1, "object_store_memory": OBJECTS}
        started["include_dashboard"] = False
    try:
        _knock(engine.address)
        ray.init(address=engine.address, log_to_driver=False, logging_level="error", **started)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ConfigError(
            f"no Ray cluster at {engine.address!r} ({_last_line(error)}); start one with "
            "`ray start --head` (docs/cluster.md), or set `runtime.address: local`"
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


@asynccontextmanager
async def _spread(
    engine: Engine, bench: Bench, name: str, model: ChatModel, work: Work
) -> AsyncIterator[Run]:
    """Give what runs a row on the cluster, its model's cache and budget staying here."""
    with connected(engine) as ray:
        spec = bench.specs[name]
        job = Job(work, spec, spec.evidence(), isinstance(model, Scorer))
        kind = ray.remote(Worker).options(
            num_cpus=1, num_gpus=engine.gpus, max_restarts=0, scheduling_strategy="SPREAD"
        )
        workers = engine.workers or sum(node["Alive"] for node in ray.nodes())
        share = -(-engine.concurrency // workers)
        crew = Crew(lambda: RayWorker(kind.remote(job)), model, share, bench.say)
        if spec.travels:
            model.send_through(crew.sending)
        async with crew.at_work(workers):
            yield crew.run


class RayWorker:
    """A worker that is a Ray actor."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def hello(self) -> Hello:
        """Wait until it is there."""
        hello: Hello = await self._told(self._actor.hello.remote())
        return hello

    async def give(self) -> list[Letter]:
        """Wait for its letters."""
        letters: list[Letter] = await self._told(self._actor.give.remote())
        return letters

    async def take(self, letters: Sequence[Letter]) -> None:
        """Bring it letters."""
        await self._told(self._actor.take.remote(letters))

    def kill(self) -> None:
        """End its process, wherever it is."""
        import ray

        ray.kill(self._actor)

    async def _told(self, told: Awaitable[Any]) -> Any:
        import ray

        try:
            return await told
        except ray.exceptions.RayError as error:
            raise WorkerDied(_last_line(error)) from None


def _knock(address: str) -> None:
    if address not in ("auto", "local"):
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()[:160]
