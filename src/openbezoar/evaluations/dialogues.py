"""Puts questions of several turns to a model, then has a judge rate every answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from openbezoar.driver import over_rows
from openbezoar.errors import ParseError
from openbezoar.evaluations.judging import (
    Exchange,
    Judgment,
    Rating,
    Verdict,
    grade,
    grade_as_json,
)
from openbezoar.evaluations.questions import Question
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.records import Message

__all__ = ["Dialogue", "Examiner", "Turn"]


@dataclass(frozen=True)
class Turn:
    """One exchange and what the judge made of it; without an answer, the reason."""

    exchange: Exchange
    finish_reason: str = ""
    judgment: Judgment = field(default_factory=lambda: Judgment(Rating(None, "not judged"), ()))


@dataclass(frozen=True)
class Dialogue:
    """A question with its turns."""

    question: Question
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Examiner:
    """Asks a student and a judge, some questions at a time."""

    concurrency: int
    answer_tokens: int
    judge_tokens: int
    seed: int
    verdict: Verdict = "brackets"

    async def ask(self, questions: Sequence[Question], student: ChatModel) -> list[Dialogue]:
        """Every question with the student's answers, or why there is none."""

        async def work(question: Question) -> Dialogue:
            return await self._answered(question, student)

        outcomes = [one async for one in over_rows(questions, work, self.concurrency)]
        return [one.result for one in outcomes if one.result is not None]

    async def judge(self, dialogues: Sequence[Dialogue], judge: ChatModel) -> list[Dialogue]:
        """The same with a judgment for every answer; what has no answer is never judged."""
        turns = [list(dialogue.turns) for dialogue in dialogues]
        places = [
            (number, place)
            for number, row in enumerate(turns)
            for place, turn in enumerate(row)
            if turn.exchange.answer
        ]

        async def work(spot: tuple[int, int]) -> Judgment:
            number, place = spot
            shown = [turn.exchange for turn in dialogues[number].turns[: place + 1]]
            ask = grade_as_json if self.verdict == "json" else grade
            return await ask(shown, judge, self.judge_tokens, self.seed)

        async for outcome in over_rows(places, work, self.concurrency):
            number, place = outcome.row
            reason = f"judge: {outcome.error.reason}" if outcome.error else ""
            judgment = outcome.result or Judgment(Rating(None, reason), ())
            turns[number][place] = replace(turns[number][place], judgment=judgment)
        return [
            replace(dialogue, turns=tuple(row))
            for dialogue, row in zip(dialogues, turns, strict=True)
        ]

    async def _answered(self, question: Question, student: ChatModel) -> Dialogue:
        turns: list[Turn] = []
        said: tuple[Message, ...] = ()
        for place, text in enumerate(question.turns):
            exchange = Exchange(text, "", question.reference_for(place))
            if turns and not turns[-1].exchange.answer:
                turns.append(_unanswered(exchange, "no answer to the turn before"))
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
        sampling = Sampling(temperature=temperature, top_p=1, max_tokens=self.answer_tokens)
        request = Request(messages=said, sampling=sampling, seed=self.seed)
        try:
            completion = await student.complete(request)
        except ParseError as error:
            return _unanswered(exchange, f"no answer: {error.reason}")
        if not completion.text.strip():
            return _unanswered(exchange, "empty answer")
        return Turn(replace(exchange, answer=completion.text), completion.finish_reason)


def _unanswered(exchange: Exchange, reason: str) -> Turn:
    return Turn(exchange, judgment=Judgment(Rating(None, reason), ()))
