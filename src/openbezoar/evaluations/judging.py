"""Has a judge rate answers, or compare two models' answers in both orders, many at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from openbezoar.driver import over_rows
from openbezoar.evaluations.dialogues import Dialogue
from openbezoar.families import ChatModel
from openbezoar.judges.pairwise import Seat
from openbezoar.judges.verdicts import Form, Judgment, Reading, judge_by, unjudged
from openbezoar.judges.wording import Wording

__all__ = ["Court", "Game"]

Spot = TypeVar("Spot")
Found = TypeVar("Found")


class Game(NamedTuple):
    """One turn of two models, judged in both orders."""

    ours: Dialogue
    theirs: Dialogue
    turn: int
    """Counted from 0."""
    first: Judgment[Seat]
    """Ours shown first, as A."""
    second: Judgment[Seat]
    """Ours shown second, as B."""


@dataclass(frozen=True)
class Court:
    """How answers are put before a judge."""

    wording: Wording
    tokens: int
    """The longest reply."""
    seed: int
    concurrency: int

    async def rate(
        self, dialogues: Sequence[Dialogue], judge: ChatModel, form: Form[float]
    ) -> list[list[Judgment[float]]]:
        """A judgment for every turn; what has no answer is never put before the judge."""

        async def work(spot: tuple[Dialogue, int]) -> Judgment[float]:
            dialogue, turn = spot
            if missing := dialogue.turns[turn].missing:
                return unjudged(missing, dialogue.turns[turn].detail)
            asked = self.wording.rate(dialogue.exchanges(turn))
            return await judge_by(form, asked, judge, self.tokens, self.seed)

        spots = [(one, turn) for one in dialogues for turn in range(len(one.turns))]
        found = iter(await self._each(spots, work))
        return [[next(found) for _ in one.turns] for one in dialogues]

    async def compare(
        self,
        pairs: Sequence[tuple[Dialogue, Dialogue]],
        judge: ChatModel,
        form: Form[Seat],
    ) -> list[Game]:
        """Every turn of every pair in both orders; ours are the first of each pair.

        Answers alike to the letter tie, and nobody is asked.
        """

        async def work(spot: tuple[Dialogue, Dialogue, int]) -> Judgment[Seat]:
            shown_first, shown_second, turn = spot
            for side in (shown_first.turns[turn], shown_second.turns[turn]):
                if side.missing:
                    return unjudged(side.missing, side.detail)
            sides = shown_first.exchanges(turn), shown_second.exchanges(turn)
            if sides[0] == sides[1]:
                return Judgment(Reading("tie"))
            asked = self.wording.compare(*sides)
            return await judge_by(form, asked, judge, self.tokens, self.seed)

        spots = [
            spot
            for ours, theirs in pairs
            for turn in range(len(ours.turns))
            for spot in ((ours, theirs, turn), (theirs, ours, turn))
        ]
        found = await self._each(spots, work)
        games = zip(spots[::2], found[::2], found[1::2], strict=True)
        return [Game(*spot, first, second) for spot, first, second in games]

    async def _each(
        self, spots: Sequence[Spot], work: Callable[[Spot], Awaitable[Found]]
    ) -> list[Found]:
        outcomes = [one async for one in over_rows(spots, work, self.concurrency)]
        return [one.result for one in outcomes if one.result is not None]
