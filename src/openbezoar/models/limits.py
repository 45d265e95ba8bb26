"""How hard a model may be pressed: requests in flight, requests and tokens per minute."""

import asyncio
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable

from pydantic import Field

from openbezoar.component import Runtime
from openbezoar.families import ModelSpec, Request
from openbezoar.models.budget import Budget, expected_tokens
from openbezoar.records import Completion

__all__ = ["Gate", "Limits", "Pacer", "PerMinute", "limits_of"]


class Limits(Runtime):
    """Retries, rates and a budget: the settings of every model behind a server."""

    max_retries: int = Field(6, ge=0)
    """Tries after the first when the server is busy, failing or unreachable."""
    requests_per_minute: float | None = Field(None, gt=0)
    """Requests are spread evenly over the minute; no limit when not given."""
    tokens_per_minute: float | None = Field(None, gt=0)
    """Tokens read and written, estimated before and corrected after; no limit when not given."""
    budget: Budget | None = None
    """What one run may spend on this model."""

    @property
    @abstractmethod
    def in_flight(self) -> int:
        """The most requests at a time."""


def limits_of(spec: ModelSpec) -> Limits | None:
    """The limits of a model behind a server; None for one that runs at its own."""
    runtime = getattr(spec, "runtime", None)
    return runtime if isinstance(runtime, Limits) else None


class Gate:
    """Lets a number of requests in at a time, fewer when the server is busy, then more again.

    Every full round of answers lets one more in, up to the ceiling; a busy server halves the
    number, once for all the requests that were under way together.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._limit = float(ceiling)
        self._inside = 0
        self._round = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many are let in at a time now."""
        return int(self._limit)

    async def enter(self) -> int:
        """Wait for a place; the round that it belongs to."""
        if self._inside < self.limit and not self._waiting:
            self._inside += 1
            return self._round
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()
            raise
        return self._round

    def leave(self) -> None:
        """Give the place to the next who waits."""
        self._inside -= 1
        while self._waiting and self._inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def answered(self) -> None:
        """An answer came: let slightly more in."""
        self._limit = min(self._ceiling, self._limit + 1 / self._limit)

    def refused(self, round_: int) -> None:
        """The server is busy: halve, unless another request of the same round did."""
        if round_ == self._round:
            self._round += 1
            self._limit = max(1.0, self._limit / 2)


class PerMinute:
    """A rate kept by an even schedule: no burst after a pause, no credit for idle time."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 60 / rate
        self._now = now
        self._free_at = 0.0

    def book(self, amount: float) -> float:
        """Take the next free place in the schedule; the seconds until it comes."""
        now = self._now()
        start = max(now, self._free_at)
        self._free_at = start + amount * self._seconds_each
        return start - now

    def correct(self, difference: float) -> None:
        """Move the schedule when a request took more or less than was booked."""
        self._free_at += difference * self._seconds_each


class Pacer:
    """Keeps to a number of requests and of tokens per minute."""

    def __init__(self, limits: Limits) -> None:
        self._requests = limits.requests_per_minute and PerMinute(limits.requests_per_minute)
        self._tokens = limits.tokens_per_minute and PerMinute(limits.tokens_per_minute)
        self._written: float | None = None

    async def turn(self, request: Request) -> float:
        """Wait until the request may go; the tokens booked for it."""
        booked = expected_tokens(request) + self._expected_answer(request)
        waits = [
            self._requests.book(1) if self._requests else 0.0,
            self._tokens.book(booked) if self._tokens else 0.0,
        ]
        if max(waits) > 0:
            await asyncio.sleep(max(waits))
        return booked

    def settle(self, booked: float, completion: Completion | None) -> None:
        """Correct what was booked by what was taken; a failed try took nothing that we know of."""
        taken = 0
        if completion is not None:
            if completion.tokens_in is None or completion.tokens_out is None:
                return  # what was booked is the best that is known
            taken = completion.tokens_in + completion.tokens_out
            before = completion.tokens_out if self._written is None else self._written
            self._written = 0.9 * before + 0.1 * completion.tokens_out
        if self._tokens:
            self._tokens.correct(taken - booked)

    def _expected_answer(self, request: Request) -> float:
        most = request.sampling.max_tokens
        return most if self._written is None else min(most, self._written)
