"""What was asked to make rows: every request of a draw with its answer, kept beside the rows."""

from dataclasses import dataclass

from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Request
from openbezoar.records import Completion, Record

__all__ = ["Asked", "Exchange", "Flight", "HeardModel"]


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


@dataclass
class Flight:
    """How many requests wait for their answers."""

    count: int = 0


class HeardModel(ChatModel):
    """A teacher whose exchanges are written down, for one draw."""

    def __init__(self, teacher: ChatModel, flight: Flight) -> None:
        self.name, self.shapes = teacher.name, teacher.shapes
        self.exchanges: list[Exchange] = []
        self._teacher = teacher
        self._flight = flight

    async def complete(self, request: Request) -> Completion:
        """The teacher's answer."""
        self._flight.count += 1
        try:
            answer = await self._teacher.complete(request)
        except ParseError as error:
            self.exchanges.append(Exchange(request=request, error=str(error)))
            raise
        finally:
            self._flight.count -= 1
        self.exchanges.append(Exchange(request=request, answer=answer))
        return answer
