"""The one place where a request is tried again: who waits, for how long, and who is to blame."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Literal, TypeVar

from openbezoar.errors import ModelError, ParseError
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.models.limits import Gate, Limits, Pacer
from openbezoar.records import Completion, Message

__all__ = ["RetryingModel", "Trouble", "seconds_until_retry", "trouble_with", "wait_before"]

NO_REPLY = "no usable reply from the server"
BUSY = frozenset({429, 503, 529})
"""The statuses that ask for fewer requests."""
AGAIN = frozenset({408, 409, 425})
"""Further statuses, beside those from 500, after which another try may succeed."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
PATIENCE = 600.0
"""A server that asks for a longer wait than this stops the stage instead."""

Kind = Literal["busy", "away", "broken"]
Told = TypeVar("Told")


class Trouble(ModelError):
    """One try failed in a way that another may not.

    `busy` asks for fewer requests, `away` means that nobody listens, and after `broken` (an error,
    no answer in time, a reply in pieces) it is open whether the server or this request is to blame.
    """

    def __init__(self, what: str, kind: Kind = "broken", wait: float | None = None) -> None:
        super().__init__(what, kind, wait)
        self.kind = kind
        self.wait = wait

    def __str__(self) -> str:
        return str(self.args[0])


class RetryingModel(ChatModel):
    """Asks a model within its limits, and again when a try failed."""

    def __init__(self, model: ChatModel, limits: Limits, retried: Callable[[], None]) -> None:
        self.name = model.name
        self._model = model
        self._tries = limits.max_retries + 1
        self._retried = retried
        self._gate = Gate(limits.in_flight)
        self._pacer = Pacer(limits)

    async def complete(self, request: Request) -> Completion:
        """The answer; ParseError when the server answers others but never this request."""
        return await self._told(partial(self._try_once, request))

    async def count_tokens(self, text: str) -> int:
        """The count, tried as often; it passes no gate and takes no token of a rate."""
        return await self._told(partial(self._model.count_tokens, text))

    async def _told(self, once: Callable[[], Awaitable[Told]]) -> Told:
        try:
            return await self._try_often(once)
        except Trouble as trouble:
            if trouble.kind == "broken" and await self._answers_others():
                raise ParseError(NO_REPLY, "though it answers others") from None
            raise ModelError(
                f"{trouble}{_often(self._tries)}; the same command continues from here"
            ) from None

    async def _try_often(self, once: Callable[[], Awaitable[Told]]) -> Told:
        for failed in range(self._tries - 1):
            try:
                return await once()
            except Trouble as trouble:
                wait = wait_before(failed, trouble, random.random())  # noqa: S311 - spreads load
            self._retried()
            await asyncio.sleep(wait)
        return await once()

    async def _try_once(self, request: Request) -> Completion:
        booked = await self._pacer.turn(request)
        completion = None
        round_ = await self._gate.enter()
        try:
            completion = await self._model.complete(request)
            self._gate.answered()
        except Trouble as trouble:
            if trouble.kind == "busy":
                self._gate.refused(round_)
            raise
        finally:
            self._gate.leave()
            self._pacer.settle(booked, completion)
        return completion

    async def _answers_others(self) -> bool:
        """Whether a question that any model can answer gets through."""
        hello = Message(role="user", content="Hello")
        asked = Request(messages=(hello,), sampling=Sampling(max_tokens=8))
        try:
            await self._try_often(partial(self._try_once, asked))
        except Trouble:
            return False
        return True


def wait_before(failed: int, trouble: Trouble, jitter: float) -> float:
    """Seconds until the next try: what the server asks for, or doubling from half a second.

    `jitter` from 0 to 1 spreads the tries, so that those refused together do not come back so.
    """
    if trouble.wait is None:
        return float(min(LONGEST_WAIT, FIRST_WAIT * 2**failed) * (0.5 + 0.5 * jitter))
    if trouble.wait > PATIENCE:
        raise ModelError(
            f"{trouble} and asks to wait {trouble.wait:.0f} s; the same command continues from "
            "here when that is over"
        )
    return trouble.wait + FIRST_WAIT * jitter


def trouble_with(what: str, status: int, headers: Mapping[str, str]) -> Trouble | None:
    """The trouble that a status stands for; None when no other try can help."""
    if status not in BUSY | AGAIN and status < 500:
        return None
    milliseconds, after = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    wait = seconds_until_retry(milliseconds, after, time.time())
    return Trouble(what, "busy" if status in BUSY else "broken", wait)


def seconds_until_retry(milliseconds: str, after: str, now: float) -> float | None:
    """What the headers `retry-after-ms` and `Retry-After` (seconds or a date) ask for."""
    try:
        return max(0.0, float(milliseconds) / 1000 if milliseconds else float(after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - now)
    except ValueError:
        return None


def _often(tries: int) -> str:
    return f", {tries} times in a row" if tries > 1 else ""
