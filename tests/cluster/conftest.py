"""Workers in this process, which a test can kill, in place of a cluster's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from openbezoar.cluster.crew import Crew
from openbezoar.cluster.hand import WorkerDied
from openbezoar.cluster.wire import Letter
from openbezoar.cluster.worker import Hello, Job, Worker
from openbezoar.families import ChatModel, Connect, ModelSpec, Request, Scorer, Work
from openbezoar.models.scripted import Line, Scripted
from openbezoar.records import Completion, Message

__all__ = ["ECHO", "Doorman", "Killable", "ScoringDoorman", "crew_of", "job", "request"]

ECHO = Scripted(lines=(Line(match="(.*)", reply=r"\1!"),))


def request(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),))


def job(work: Work, spec: ModelSpec = ECHO, evidence: Any = None, scores: bool = False) -> Job:
    return Job(work, spec, evidence, scores)


class Doorman(ChatModel):
    """The driver's model: counts what passes, and sends it where it was told to."""

    name = "scripted"

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._stack = AsyncExitStack()
        self._model: ChatModel | None = None
        self._connect: Connect = ECHO.connect

    def send_through(self, connect: Connect) -> None:
        self._connect = connect

    async def complete(self, request: Request) -> Completion:
        self.passed.append(request.messages[-1].content)
        return await (await self._opened()).complete(request)

    async def count_tokens(self, text: str) -> int:
        return await (await self._opened()).count_tokens(text)

    async def _opened(self) -> ChatModel:
        if self._model is None:
            self._model = await self._stack.enter_async_context(self._connect())
        return self._model


class ScoringDoorman(Doorman, Scorer):
    """One that passes on questions of likelihood too."""

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        model = await self._opened()
        assert isinstance(model, Scorer)
        return await model.log_probabilities(messages, answer)


class Killable:
    """A worker in this process."""

    def __init__(self, job: Job, version: str = "") -> None:
        self._worker = Worker(job)
        self._version = version
        self._dead = asyncio.Event()

    async def hello(self) -> Hello:
        hello = await self._alive(self._worker.hello())
        return hello._replace(host="far", version=self._version or hello.version)

    async def give(self) -> list[Letter]:
        return await self._alive(self._worker.give())

    async def take(self, letters: Sequence[Letter]) -> None:
        await self._alive(self._worker.take(letters))

    def kill(self) -> None:
        self._dead.set()

    async def _alive(self, told: Awaitable[Any]) -> Any:
        tasks = [asyncio.ensure_future(told), asyncio.ensure_future(self._dead.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._dead.is_set():
                raise WorkerDied("it was killed")
            return tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def crew_of(
    start: Callable[[], Killable], model: ChatModel, share: int = 4, patience: float = 60
) -> AsyncIterator[Crew]:
    crew = Crew(start, model, share, lambda told: None, patience)
    model.send_through(crew.sending)
    async with crew.at_work(workers=2):
        yield crew
