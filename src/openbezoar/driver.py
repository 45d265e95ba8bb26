"""Runs a coroutine over rows: bounded, in order, a row's failure kept from its neighbours."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from openbezoar.errors import ModelError, ParseError

__all__ = ["FailureLimit", "Outcome", "over_rows", "wait_for", "waiting"]

Given = TypeVar("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome(Generic[Given, Result]):
    """One row and what came of it: a result, or the error that failed the row."""

    row: Given
    result: Result | None
    error: ParseError | None


@dataclass
class FailureLimit:
    """Stops a stage whose rows keep failing, counted over a window of the latest rows.

    Twenty-one failures among 512 rows stop nothing at a share of 0.5; 300 do.
    """

    share: float = 0.5
    window: int = 64
    advice: str = "look at the teacher, or raise `failure_share`"
    """What the person may do about it."""

    def __post_init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=self.window)
        self._last_error: ParseError | None = None

    def count(self, outcome: Outcome[Any, Any]) -> None:
        """Count one row; ModelError once a full window has failed beyond the share."""
        self._latest.append(outcome.error is not None)
        self._last_error = outcome.error or self._last_error
        failed = sum(self._latest)
        if len(self._latest) == self.window and failed > self.share * self.window:
            raise ModelError(
                f"{failed} of the last {self.window} rows failed, the latest with: "
                f"{self._last_error}; {self.advice}; a rerun continues from here"
            )


async def over_rows(
    rows: Iterable[Given],
    work: Callable[[Given], Awaitable[Result]],
    limit: int = 16,
) -> AsyncGenerator[Outcome[Given, Result], None]:
    """Yield outcomes in the order of the rows, with at most `limit` rows at work at a time.

    Only ParseError fails a row; any other error stops everything at once. At most `4 * limit`
    finished rows wait for a slow one before them.
    """
    gate = asyncio.Semaphore(limit)
    waiting: deque[asyncio.Task[Outcome[Given, Result]]] = deque()
    broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def guarded(row: Given) -> Outcome[Given, Result]:
        async with gate:
            try:
                return Outcome(row, await work(row), None)
            except ParseError as error:
                return Outcome(row, None, error)

    try:
        for row in rows:
            waiting.append(asyncio.create_task(guarded(row)))
            waiting[-1].add_done_callback(partial(_notice, broken))
            while waiting and (waiting[0].done() or len(waiting) >= 4 * limit):
                await _finished(waiting[0], broken)
                yield waiting.popleft().result()
        while waiting:
            await _finished(waiting[0], broken)
            yield waiting.popleft().result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@contextmanager
def waiting() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Give what waits for one coroutine after another, so that what one opened serves the next.

    Ctrl-C ends the coroutine at work and is raised; those after it run as before.
    """
    with asyncio.Runner() as runner:
        yield runner.run


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, on a loop of its own."""
    return asyncio.run(work)


def _notice(broken: asyncio.Future[BaseException], task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not broken.done():
        broken.set_result(error)


async def _finished(task: asyncio.Task[Any], broken: asyncio.Future[BaseException]) -> None:
    """Wait until the task is done; an error of any task is raised as it happens."""
    if not task.done() and not broken.done():
        await asyncio.wait([task, broken], return_when=asyncio.FIRST_COMPLETED)
    if broken.done():
        raise broken.result()
