"""Two ends that call each other: numbered calls and their replies, carried as letters."""

import asyncio
import itertools
import traceback
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from openbezoar.errors import OpenBezoarError
from openbezoar.families import ChatModel, Request, Scorer
from openbezoar.records import Completion, Message

__all__ = ["Call", "Distant", "DistantScorer", "End", "Letter", "Reply", "distant"]


class Call(NamedTuple):
    """Something asked of the other end."""

    number: int
    what: str
    given: tuple[Any, ...]


class Reply(NamedTuple):
    """What came of a call."""

    number: int
    result: Any
    error: Exception | None


Letter = Call | Reply


class End:
    """One end: it calls the other, answers the other's calls, and gathers letters to be carried."""

    def __init__(self, answer: Callable[[str, tuple[Any, ...]], Awaitable[Any]]) -> None:
        self._answer = answer
        self._numbers = itertools.count()
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[Any]] = set()
        self._letters: list[Letter] = []
        self._posted = asyncio.Event()
        self._gone: Exception | None = None

    async def call(self, what: str, *given: Any) -> Any:
        """What the other end answers; what it raised is raised here."""
        if self._gone is not None:
            raise self._gone
        number = next(self._numbers)
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = reply
        self._post(Call(number, what, given))
        try:
            return await reply
        finally:
            del self._calls[number]

    async def outgoing(self) -> list[Letter]:
        """Wait for letters; all that have gathered."""
        await self._posted.wait()
        self._posted.clear()
        letters, self._letters = self._letters, []
        return letters

    def receive(self, letters: Sequence[Letter]) -> None:
        """Read letters of the other end."""
        for letter in letters:
            if isinstance(letter, Call):
                task = asyncio.ensure_future(self._answer(letter.what, letter.given))
                self._answering.add(task)
                task.add_done_callback(partial(self._reply, letter.number))
            else:
                self._settle(letter)

    def hang_up(self, error: Exception) -> None:
        """The other end is gone: every call, open or to come, raises this error."""
        self._gone = error
        for reply in self._calls.values():
            if not reply.done():
                reply.set_exception(error)

    async def close(self) -> None:
        """Stop answering."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def _post(self, letter: Letter) -> None:
        self._letters.append(letter)
        self._posted.set()

    def _settle(self, letter: Reply) -> None:
        reply = self._calls.get(letter.number)
        if reply is None or reply.done():
            return
        if letter.error is None:
            reply.set_result(letter.result)
        else:
            reply.set_exception(letter.error)

    def _reply(self, number: int, task: asyncio.Task[Any]) -> None:
        self._answering.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._post(Reply(number, task.result(), None))
        else:
            self._post(Reply(number, None, _portable(error)))


class Distant(ChatModel):
    """A model at the other end."""

    def __init__(self, name: str, shapes: bool, call: Callable[..., Awaitable[Any]]) -> None:
        self.name, self.shapes = name, shapes
        self._call = call

    async def complete(self, request: Request) -> Completion:
        """The answer from there."""
        answer: Completion = await self._call("complete", request)
        return answer

    async def count_tokens(self, text: str) -> int:
        """The count from there."""
        return int(await self._call("count_tokens", text))


class DistantScorer(Distant, Scorer):
    """A model at the other end that also says how likely it finds an answer."""

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        """The scores from there."""
        scores: tuple[float, ...] = await self._call("log_probabilities", tuple(messages), answer)
        return scores


def distant(
    name: str, call: Callable[..., Awaitable[Any]], scores: bool, shapes: bool = True
) -> ChatModel:
    """The model of this name at the other end."""
    return (DistantScorer if scores else Distant)(name, shapes, call)


def _portable(error: BaseException) -> Exception:
    """Ours survive pickling; of any other error only its traceback surely does."""
    if isinstance(error, OpenBezoarError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))
