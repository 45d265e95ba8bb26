"""How a model answers questions that stay the same: whether it stops, declines, repeats itself."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from openbezoar.driver import over_rows
from openbezoar.evaluations.expecting import questions_of
from openbezoar.evaluations.held_out import spread
from openbezoar.evaluations.pooled import on_scale
from openbezoar.evaluations.questions import SAMPLE, Question, QuestionFiles
from openbezoar.families import ChatModel, Expected, Request, Sampling, tokens_of
from openbezoar.records import Completion, Message
from openbezoar.refusing import refusal
from openbezoar.repeating import repeated
from openbezoar.statistics import Estimate, mean, share

__all__ = ["Reply", "ask", "evidence", "expects", "figures"]


class Reply(NamedTuple):
    """A question, and the answer where the model had room for one."""

    question: Question
    completion: Completion | None

    @property
    def stopped(self) -> bool:
        """Whether the answer ended by itself."""
        return self.completion is not None and self.completion.finish_reason == "stop"

    @property
    def refusal(self) -> str:
        """The kind of refusal that the answer opens with, or none."""
        return refusal(self.completion.text) if self.completion else ""

    @property
    def repetition(self) -> float | None:
        """The share of the answer's four-word spans that it said before."""
        return repeated(self.completion.text.split()) if self.completion else None

    def item(self) -> dict[str, JsonValue]:
        """What is to be noted of it."""
        item: dict[str, JsonValue] = {"id": str(self.question.question_id)}
        if self.completion is None:
            return {**item, "missing": "no room for the answer"}
        return {
            **item,
            "stopped": self.stopped,
            "tokens": self.completion.tokens_out,
            "refusal": self.refusal,
            "repetition": self.repetition,
        }


async def ask(model: ChatModel, count: int, max_tokens: int) -> list[Reply]:
    """The first turns of so many questions of our own, answered greedily."""
    sampling = Sampling(temperature=0, max_tokens=max_tokens)

    async def answer(question: Question) -> Completion:
        asked = (Message(role="user", content=question.turns[0]),)
        return await model.complete(Request(messages=asked, sampling=sampling))

    outcomes = over_rows(_questions(count), answer, limit=max(1, count))
    return [Reply(one.row, one.result) async for one in outcomes]


def expects(count: int, max_tokens: int) -> Expected:
    """About what `ask` will take."""
    return questions_of([tokens_of(one.turns[0]) for one in _questions(count)], max_tokens)


def evidence() -> str:
    """Which questions they are."""
    return QuestionFiles(SAMPLE).evidence()[0][:12]


def figures(replies: Sequence[Reply], max_tokens: int) -> Mapping[str, Estimate]:
    """The shares that stop and that decline, the mean length and the mean repetition."""
    given = [one for one in replies if one.completion is not None]
    counts = [one.completion.tokens_out for one in given if one.completion]
    lengths = [float(count) for count in counts if count is not None]
    said_again = [again for one in given if (again := one.repetition) is not None]
    longest = max([float(max_tokens), *lengths])
    return {
        "stopped": share(sum(one.stopped for one in given), len(given)),
        "tokens": on_scale(mean(lengths), 0, longest),
        "refusals": share(sum(bool(one.refusal) for one in given), len(given)),
        "repetition": on_scale(mean(said_again), 0, 1),
    }


def _questions(count: int) -> list[Question]:
    """So many, spread evenly over the categories."""
    return spread(QuestionFiles(SAMPLE).load("vetted"), count) if count else []
