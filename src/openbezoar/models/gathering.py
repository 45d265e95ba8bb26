"""Requests that wait for a model in this process are answered together, a batch at a time."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Gathered"]

Work = TypeVar("Work")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Place(Generic[Work, Result]):
    """One caller's place among those who wait."""

    work: Work
    results: list[Result]


class Gathered(Generic[Work, Result]):
    """Runs a blocking function over batches of what its callers ask, in a thread, one at a time.

    Whoever's turn comes takes alike work of the others along, so that an error reaches a caller
    directly, a batch that fails is tried again in the others' own turns, and nothing runs unasked.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Work]], Sequence[Result]],
        limit: int,
        alike: Callable[[Work], Hashable],
    ) -> None:
        self._run = run
        self._limit = limit
        self._alike = alike
        self._turn = asyncio.Lock()
        self._waiting: list[_Place[Work, Result]] = []

    async def ask(self, work: Work) -> Result:
        """The function's result for this work."""
        place: _Place[Work, Result] = _Place(work, [])
        self._waiting.append(place)
        try:
            async with self._turn:
                if not place.results:
                    await self._answer_together(place)
        finally:
            self._waiting.remove(place)
        return place.results[0]

    async def _answer_together(self, first: _Place[Work, Result]) -> None:
        # Lets those who were started at the same moment join.
        await asyncio.sleep(0)
        kind = self._alike(first.work)
        others = [
            place
            for place in self._waiting
            if place is not first and not place.results and self._alike(place.work) == kind
        ]
        batch = [first, *others][: self._limit]
        results = await asyncio.to_thread(self._run, [place.work for place in batch])
        for place, result in zip(batch, results, strict=True):
            place.results.append(result)
