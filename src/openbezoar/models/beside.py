"""Several copies of one model side by side, of which the least busy answers next."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from openbezoar.families import ChatModel, Piece, Request
from openbezoar.records import Completion

__all__ = ["Beside"]

REMEMBERED = 1024
"""Conversations whose copy is known; older ones may go on at another, which reads them anew."""


class Beside(ChatModel):
    """Sends each request to the copy with the fewest under way, or to the one that knows it.

    A copy remembers what it read, so that a later turn costs it only what is new.
    """

    def __init__(self, copies: Sequence[ChatModel]) -> None:
        self.name = copies[0].name
        self.shapes = copies[0].shapes
        self._copies = copies
        self._under_way: Counter[int] = Counter()
        self._known: dict[str, int] = {}
        """The copy that began a conversation, by its first words."""

    async def complete(self, request: Request) -> Completion:
        """The answer of the least busy copy."""
        with self._chosen(request) as copy:
            return await copy.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The same in pieces."""
        with self._chosen(request) as copy:
            async for piece in copy.stream(request):
                yield piece

    async def count_tokens(self, text: str) -> int:
        """All copies count alike."""
        return await self._copies[0].count_tokens(text)

    @contextmanager
    def _chosen(self, request: Request) -> Iterator[ChatModel]:
        place = self._place(request)
        self._under_way[place] += 1
        try:
            yield self._copies[place]
        finally:
            self._under_way[place] -= 1

    def _place(self, request: Request) -> int:
        said = [message.content for message in request.messages if message.role == "user"]
        begun = said[0] if said else ""
        place = self._known.get(begun) if len(said) > 1 else None
        if place is None:
            place = min(range(len(self._copies)), key=lambda one: self._under_way[one])
        self._known[begun] = place
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return place
