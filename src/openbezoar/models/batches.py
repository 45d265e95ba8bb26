"""Requests gathered into batches at half the price, whose answers outlive the process."""

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from openbezoar.component import Runtime, digest
from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import ChatModel, Request
from openbezoar.models.ledger import Answer, Ledger, Sent
from openbezoar.models.retrying import Trouble
from openbezoar.records import Completion

__all__ = ["BatchApi", "BatchedModel", "Batching", "batched", "readable"]

TRIES = 3
"""How often a request that a batch leaves unanswered is put into a batch."""
TOGETHER = 500
"""Answers written to disk at a time."""
MISSES = 5
"""Looks at a batch that may fail in a row; hours of waiting must not end with one of them."""
BYTES = 100_000_000
"""Requests of this size are sent without waiting for more; providers take 200 MB and above."""


class Batching(Runtime):
    """Whether requests are sent one by one or gathered, which takes longer and costs less."""

    batch: bool = False
    """Use the provider's Batch API: about half the price, answers within a day. A batch holds at
    most as many requests as the stage has rows at work: raise the stage's `concurrency` too."""
    batch_size: int = Field(10_000, ge=1, le=50_000)
    """Requests in a batch."""
    batch_wait: float = Field(30.0, gt=0)
    """Seconds without a new request after which a smaller batch is sent."""
    batch_poll: float = Field(60.0, gt=0)
    """Seconds between two looks at a batch."""


class BatchApi(ABC):
    """A provider's Batch API; its errors are ours, and a batch's requests are known by key."""

    account: str
    """Where a batch's name is known."""

    @abstractmethod
    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request in the words of the protocol."""

    @abstractmethod
    async def submit(self, token: str, asked: Mapping[str, dict[str, Any]]) -> str:
        """Send requests, by key; the batch's name, or ParseError when they are refused."""

    @abstractmethod
    async def find(self, sent: Sent, known: set[str]) -> str | None:
        """The batch whose submission was cut short, if it arrived; a wrong guess does no harm."""

    @abstractmethod
    async def ended(self, name: str) -> bool:
        """Whether the answers are there; ParseError for a batch that was refused as a whole."""

    @abstractmethod
    def answers(self, name: str) -> AsyncIterator[tuple[str, Answer]]:
        """The answers by key, in any order; a request without one is asked again."""


@asynccontextmanager
async def batched(
    model: ChatModel, api: BatchApi, settings: Batching, folder: Path | None
) -> AsyncIterator[ChatModel]:
    """A model that asks in batches and remembers them in a folder."""
    if folder is None:
        raise ConfigError(f"model {model.name!r}: batches need a folder to be remembered in")
    with closing(Ledger(folder / "batches.sqlite", api.account)) as ledger:
        gathered = BatchedModel(model, api, settings, ledger)
        try:
            yield gathered
        finally:
            await gathered.close()
        # Whoever asked has kept the answers by now.
        ledger.forget(gathered.delivered)


def readable(read: Callable[[Any], Completion], reply: Any) -> Answer:
    """The completion in a reply; one that makes no sense fails its row, not the whole batch."""
    try:
        return read(reply)
    except ModelError as error:
        return ParseError("no usable reply from the server", str(error))


class BatchedModel(ChatModel):
    """Gathers requests into batches; what was paid for before an interruption is picked up."""

    def __init__(self, model: ChatModel, api: BatchApi, settings: Batching, ledger: Ledger) -> None:
        self.name = model.name
        self.delivered: list[str] = []
        self._model = model
        self._api = api
        self._settings = settings
        self._ledger = ledger
        self._gathered: dict[str, dict[str, Any]] = {}
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def complete(self, request: Request) -> Completion:
        """The answer from the next batch, or from one that was sent before."""
        fields = self._api.fields_of(request)
        key = digest([self._api.account, request.model_dump(mode="json"), fields])
        answer = self._ledger.answer(key)
        for _ in range(TRIES):
            if answer is None:
                await self._turn(key, fields)
                answer = self._ledger.answer(key)
        if answer is not None:
            return self._handed_over(key, answer)
        raise ParseError("left unanswered by the provider", f"in {TRIES} batches")

    async def count_tokens(self, text: str) -> int:
        """Counted at once, in no batch."""
        return await self._model.count_tokens(text)

    async def close(self) -> None:
        """Stop gathering and watching; batches that were sent go on."""
        self._stop_waiting()
        tasks = list(self._followed.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _handed_over(self, key: str, answer: Answer) -> Completion:
        if isinstance(answer, ParseError):
            # A failure is not kept by whoever asked: asked again, it goes into a new batch.
            self._ledger.forget([key])
            raise answer
        self.delivered.append(key)
        return answer

    async def _turn(self, key: str, fields: dict[str, Any]) -> None:
        """Wait until the batch with this request has ended, whatever came of it."""
        sent = self._ledger.sent(key)
        if sent is None:
            self._gather(key, fields)
        elif sent.token not in self._followed:
            self._start(sent.token, self._ledger.keys(sent.token), self._resume(sent))
        waiting = self._waiting.get(key)
        if waiting is None or waiting.done():
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
        await waiting

    def _gather(self, key: str, fields: dict[str, Any]) -> None:
        self._gathered[key] = fields
        self._size += len(str(fields))
        self._stop_waiting()
        if len(self._gathered) >= self._settings.batch_size or self._size >= BYTES:
            self._send()
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._settings.batch_wait, self._send)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _send(self) -> None:
        asked, self._gathered, self._size = self._gathered, {}, 0
        token = secrets.token_hex(8)
        self._start(token, list(asked), self._submit(token, asked))

    def _start(self, token: str, keys: Iterable[str], work: Any) -> None:
        task = asyncio.create_task(work)
        self._followed[token] = task
        task.add_done_callback(lambda task: self._wake(token, keys, task))

    def _wake(self, token: str, keys: Iterable[str], task: asyncio.Task[None]) -> None:
        del self._followed[token]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Trouble):
            # What fails is the batch, not one of its requests, which is how `broken` is read.
            error = Trouble(str(error), "away", error.wait)
        for key in keys:
            waiting = self._waiting.pop(key, None)
            if waiting is None or waiting.done():
                continue
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)

    async def _submit(self, token: str, asked: Mapping[str, dict[str, Any]]) -> None:
        # Noted first: a batch that arrives while this process dies is found again.
        self._ledger.note(Sent(token, None, time.time(), len(asked)), asked)
        with self._struck_when_refused(token):
            name = await self._api.submit(token, asked)
        self._ledger.name(token, name)
        await self._follow(token, name)

    async def _resume(self, sent: Sent) -> None:
        name = sent.name or await self._api.find(sent, self._ledger.names())
        if name is None:
            self._ledger.strike(sent.token)
            return
        self._ledger.name(sent.token, name)
        await self._follow(sent.token, name)

    async def _follow(self, token: str, name: str) -> None:
        with self._struck_when_refused(token):
            while not await self._has_ended(name):  # noqa: ASYNC110 - the event is far away
                await asyncio.sleep(self._settings.batch_poll)
        ours = set(self._ledger.keys(token))
        read: list[tuple[str, Answer]] = []
        async for key, answer in self._api.answers(name):
            if key in ours:
                read.append((key, answer))
            if len(read) == TOGETHER:
                self._ledger.keep(read)
                read = []
        self._ledger.keep(read)
        self._ledger.strike(token)

    async def _has_ended(self, name: str) -> bool:
        for _ in range(MISSES):
            try:
                return await self._api.ended(name)
            except Trouble:
                await asyncio.sleep(self._settings.batch_poll)
        return await self._api.ended(name)

    @contextmanager
    def _struck_when_refused(self, token: str) -> Iterator[None]:
        try:
            yield
        except ParseError as error:
            self._ledger.strike(token)
            raise ModelError(
                f"model {self.name!r}: its batch was refused ({error.detail}); "
                "mend what it names, or lower `runtime.batch_size`"
            ) from None
