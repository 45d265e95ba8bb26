"""What was asked to make rows: every request of a draw with its answer, kept beside the rows."""

from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Connect, Request
from openbezoar.records import Completion, Record

__all__ = ["Asked", "Exchange", "HeardModel", "WatchedModel"]


class Exchange(Record):
    """One request, and its answer or the reason why there is none."""

    request: Request
    answer: Completion | None = None
    error: str = ""


class Asked(Record):
    """All exchanges of one draw, in their order, with the rows and failures that came of them."""

    id: str
    rows: tuple[str, ...]
    exchanges: tuple[Exchange, ...]


class WatchedModel(ChatModel):
    """A teacher whose requests in flight are counted, for all draws of a stage."""

    def __init__(self, teacher: ChatModel) -> None:
        self.name, self.shapes = teacher.name, teacher.shapes
        self.in_flight = 0
        self._teacher = teacher

    async def complete(self, request: Request) -> Completion:
        """The teacher's answer."""
        self.in_flight += 1
        try:
            return await self._teacher.complete(request)
        finally:
            self.in_flight -= 1

    async def count_tokens(self, text: str) -> int:
        """The teacher's count; it is no request."""
        return await self._teacher.count_tokens(text)

    def send_through(self, connect: Connect) -> None:
        """The teacher sends its requests there."""
        self._teacher.send_through(connect)


class HeardModel(ChatModel):
    """A teacher whose exchanges are written down, for one draw."""

    def __init__(self, teacher: ChatModel) -> None:
        self.name, self.shapes = teacher.name, teacher.shapes
        self.exchanges: list[Exchange] = []
        self._teacher = teacher

    async def complete(self, request: Request) -> Completion:
        """The teacher's answer."""
        try:
            answer = await self._teacher.complete(request)
        except ParseError as error:
            self.exchanges.append(Exchange(request=request, error=str(error)))
            raise
        self.exchanges.append(Exchange(request=request, answer=answer))
        return answer

    async def count_tokens(self, text: str) -> int:
        """The teacher's count; it is no exchange."""
        return await self._teacher.count_tokens(text)
