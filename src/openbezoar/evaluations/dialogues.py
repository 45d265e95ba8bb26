"""Puts questions of several turns to a model; a turn without an answer keeps the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from openbezoar.driver import over_rows
from openbezoar.errors import ParseError
from openbezoar.evaluations.fastchat import FAILED, Answers
from openbezoar.evaluations.questions import Question
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.judges.wording import Exchange
from openbezoar.records import Message

__all__ = ["Dialogue", "Interview", "Turn", "from_answers"]


@dataclass(frozen=True)
class Turn:
    """One exchange; without an answer, why not."""

    exchange: Exchange
    finish_reason: str = ""
    missing: str = ""
    detail: str = ""
    """What explains why there is none."""


@dataclass(frozen=True)
class Dialogue:
    """A question with a model's answers."""

    question: Question
    turns: tuple[Turn, ...]

    def exchanges(self, turn: int) -> list[Exchange]:
        """What a judge of a turn, counted from 0, sees: all up to this turn."""
        return [one.exchange for one in self.turns[: turn + 1]]

    def texts(self) -> list[str]:
        """The answers."""
        return [one.exchange.answer for one in self.turns]


@dataclass(frozen=True)
class Interview:
    """How questions are put to a model."""

    concurrency: int
    tokens: int
    """The longest answer."""
    seed: int

    async def ask(self, questions: Sequence[Question], student: ChatModel) -> list[Dialogue]:
        """Every question with the model's answers, some questions at a time."""

        async def work(question: Question) -> Dialogue:
            return await self._answered(question, student)

        outcomes = [one async for one in over_rows(questions, work, self.concurrency)]
        return [one.result for one in outcomes if one.result is not None]

    async def _answered(self, question: Question, student: ChatModel) -> Dialogue:
        turns: list[Turn] = []
        said: tuple[Message, ...] = ()
        for place, text in enumerate(question.turns):
            exchange = Exchange(text, "", question.reference_for(place))
            if turns and turns[-1].missing:
                turns.append(Turn(exchange, missing=_AFTER))
                continue
            said += (Message(role="user", content=text),)
            turn = await self._turn(exchange, question.temperature, said, student)
            said += (Message(role="assistant", content=turn.exchange.answer),)
            turns.append(turn)
        return Dialogue(question, tuple(turns))

    async def _turn(
        self,
        exchange: Exchange,
        temperature: float,
        said: tuple[Message, ...],
        student: ChatModel,
    ) -> Turn:
        sampling = Sampling(temperature=temperature, top_p=1, max_tokens=self.tokens)
        request = Request(messages=said, sampling=sampling, seed=self.seed)
        try:
            completion = await student.complete(request)
        except ParseError as error:
            return Turn(exchange, missing=f"no answer: {error.reason}", detail=error.in_short)
        if not completion.text.strip():
            return Turn(exchange, missing=_EMPTY)
        return Turn(replace(exchange, answer=completion.text), completion.finish_reason)


def from_answers(
    questions: Sequence[Question], answers: Mapping[int | str, Answers]
) -> list[Dialogue]:
    """The dialogues of a model whose answers are on file; an error's name is no answer."""
    dialogues = []
    for question in questions:
        given = answers.get(question.question_id)
        turns: list[Turn] = []
        for place, text in enumerate(question.turns):
            exchange = Exchange(text, "", question.reference_for(place))
            if turns and turns[-1].missing:
                turns.append(Turn(exchange, missing=_AFTER))
            else:
                turns.append(_filed(exchange, given.turns if given else (), place))
        dialogues.append(Dialogue(question, tuple(turns)))
    return dialogues


_AFTER, _EMPTY = "no answer to the turn before", "empty answer"


def _filed(exchange: Exchange, given: Sequence[str], place: int) -> Turn:
    text = given[place] if place < len(given) else None
    if text is None:
        return Turn(exchange, missing="no answer on file")
    if text.strip() in FAILED:
        return Turn(exchange, missing="no answer: an error on file")
    if not text.strip():
        return Turn(exchange, missing=_EMPTY)
    return Turn(replace(exchange, answer=text))
