"""Budgets of tokens and money: a request is asked only when its longest answer still fits."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from pydantic import Field

from openbezoar.component import Component
from openbezoar.deadline import NEVER, Deadline
from openbezoar.errors import BudgetReached
from openbezoar.families import ModelSpec, Request
from openbezoar.models.prices import Price, price_of
from openbezoar.records import Completion

__all__ = ["Account", "Budget", "Cost", "Purse", "RunBudget", "expected_tokens", "most_tokens"]


class Budget(Component):
    """The most that one run may spend; answers from the cache cost nothing."""

    tokens: int | None = Field(None, gt=0)
    """Tokens read and written."""
    usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    """US dollars, at the recipe's `prices` or the public list prices."""


class RunBudget(Budget):
    """The most that one run may take; made answers, steps and artifacts are kept when it ends."""

    hours: float | None = Field(None, gt=0, le=8784, allow_inf_nan=False)
    """Hours on the clock: no request, step or stage begins after that."""


class Cost(NamedTuple):
    """What some requests take."""

    tokens: int
    usd: float

    def plus(self, other: "Cost", sign: int = 1) -> "Cost":
        """The sum, or with a sign of -1 the difference."""
        return Cost(self.tokens + sign * other.tokens, self.usd + sign * other.usd)


NOTHING = Cost(0, 0.0)
FRAME = 4
"""Tokens that a server's template sets around a message."""


def expected_tokens(request: Request) -> int:
    """About how many tokens a request reads: one for four bytes."""
    return sum(len(message.content.encode()) for message in request.messages) // 4 + 1


def most_tokens(request: Request) -> int:
    """About the most that a request may read: one for two bytes, and each message's frame."""
    texts = [message.content for message in request.messages]
    texts += [json.dumps(request.json_schema)] if request.json_schema else []
    return sum(len(text.encode()) // 2 + FRAME for text in texts)


class Purse:
    """One budget during a run: what is spent, and what requests under way may yet take."""

    def __init__(self, whose: str, budget: Budget, deadline: Deadline = NEVER) -> None:
        self.deadline = deadline
        self.spent = NOTHING
        self._held = NOTHING
        self._requests = 0
        self._whose = whose
        self._budget = budget
        self._waiting: list[asyncio.Future[None]] = []

    async def has_room(self, dearest: Cost) -> bool:
        """Whether the request fits; when it does not yet, waits for one under way to end first."""
        wanted = self.spent.plus(self._held).plus(dearest)
        if self._fits(wanted) and not self.deadline.is_over():
            return True
        if not self._requests:
            raise BudgetReached(self._reached())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn
        return False

    def hold(self, dearest: Cost) -> None:
        """Set aside what a request may take."""
        self._requests += 1
        self._held = self._held.plus(dearest)

    def settle(self, dearest: Cost, taken: Cost) -> None:
        """Spend what a request took and free the rest."""
        self._requests -= 1
        self._held = self._held.plus(dearest, sign=-1) if self._requests else NOTHING
        self.spent = self.spent.plus(taken)
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    def _fits(self, wanted: Cost) -> bool:
        tokens, usd = self._budget.tokens, self._budget.usd
        return (tokens is None or wanted.tokens <= tokens) and (usd is None or wanted.usd <= usd)

    def _reached(self) -> str:
        if self.deadline.is_over():
            return self.deadline.reached()
        money = f"{Decimal(str(self._budget.usd)):f} usd" if self._budget.usd is not None else ""
        tokens = f"{self._budget.tokens} tokens" if self._budget.tokens is not None else ""
        spent = f"{self.spent.tokens} tokens" + (f", {self.spent.usd:.4f} usd" if money else "")
        return (
            f"the budget of {self._whose} ({' and '.join(filter(None, [tokens, money]))}) has no "
            f"room for the next request after {spent}; answers are kept: raise `budget`, or run "
            "again to spend as much again"
        )


class Account:
    """What one model costs, and the purses that pay for it."""

    def __init__(self, spec: ModelSpec, purses: list[Purse], prices: Mapping[str, Price]) -> None:
        self._purses = purses
        self._price = price_of(spec, prices)

    async def ask(
        self, request: Request, answer: Callable[[Request], Awaitable[Completion]]
    ) -> Completion:
        """Ask when every purse has room, and spend what the answer took."""
        dearest = self._cost(most_tokens(request), request.sampling.max_tokens)
        while not all([await purse.has_room(dearest) for purse in self._purses]):
            continue
        for purse in self._purses:
            purse.hold(dearest)
        taken = NOTHING
        try:
            completion = await answer(request)
            # a server that does not count is paid as if each answer were the longest
            taken = self._told(completion) or dearest
        finally:
            for purse in self._purses:
                purse.settle(dearest, taken)
        return completion

    def check_time(self) -> None:
        """Raise BudgetReached when a purse's time is over; for work that takes no tokens."""
        for purse in self._purses:
            purse.deadline.check()

    def usd(self, completion: Completion) -> float | None:
        """What an answer cost; None when the price is not known."""
        told = self._told(completion)
        return told.usd if told and self._price else None

    def _told(self, completion: Completion) -> Cost | None:
        """What an answer took; None where the server did not count its tokens."""
        if completion.tokens_in is None or completion.tokens_out is None:
            return None
        return self._cost(completion.tokens_in, completion.tokens_out)

    def _cost(self, tokens_in: int, tokens_out: int) -> Cost:
        usd = self._price.usd(tokens_in, tokens_out) if self._price else 0.0
        return Cost(tokens_in + tokens_out, usd)
