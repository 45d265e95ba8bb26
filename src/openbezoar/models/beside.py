"""Several copies of one model side by side, of which the least busy answers next."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from openbezoar.families import ChatModel, Request
from openbezoar.records import Completion

__all__ = ["Beside"]


class Beside(ChatModel):
    """Sends each request to the copy with the fewest under way."""

    def __init__(self, copies: Sequence[ChatModel]) -> None:
        self.name = copies[0].name
        self.shapes = copies[0].shapes
        self._copies = copies
        self._under_way: Counter[int] = Counter()

    async def complete(self, request: Request) -> Completion:
        """The answer of the least busy copy."""
        with self._chosen() as copy:
            return await copy.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The same in pieces."""
        with self._chosen() as copy:
            async for piece in copy.stream(request):
                yield piece

    async def count_tokens(self, text: str) -> int:
        """All copies count alike."""
        return await self._copies[0].count_tokens(text)

    @contextmanager
    def _chosen(self) -> Iterator[ChatModel]:
        place = min(range(len(self._copies)), key=lambda one: self._under_way[one])
        self._under_way[place] += 1
        try:
            yield self._copies[place]
        finally:
            self._under_way[place] -= 1
