"""A judge that reads no verdict: it asks a model how likely it finds the answer."""

import math
import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from openbezoar.component import Component
from openbezoar.errors import ConfigError
from openbezoar.families import ChatModel, Expected, Judge, Length, ModelSpec, Scorer
from openbezoar.ranges import ONE, Range
from openbezoar.records import Example, Grade

__all__ = ["Curve", "Figures", "Likelihood", "figures", "gained"]

OPENING = 32
"""Tokens in which the gain is taken: what follows is foretold by the answer's own beginning."""


class Curve(Component):
    """How a figure becomes a chance: one half at `half`, 73 % one `width` above it."""

    half: float
    """The figure that is as good as a coin."""
    width: float = Field(gt=0)
    """How far from there the chance has risen to 73 %, or fallen to 27 %."""

    def chance(self, figure: float) -> float:
        """The chance, between 0 and 1."""
        return 0.5 + 0.5 * math.tanh(0.5 * (figure - self.half) / self.width)


class Figures(NamedTuple):
    """What the log-probabilities say of an answer, in natural logarithms."""

    gain: float
    """How much likelier the instruction makes the answer's opening."""
    likelihood: float
    """Of the text, given the instruction, per token."""
    ending: float
    """Of an end after the last token, or of a full stop and an end, whichever is likelier."""
    tokens: int


class Likelihood(Judge):
    """Accepts an answer that fits its instruction, reads as text, and is finished.

    It fits when the instruction makes it likelier (`gain`); it reads well when it is likely as
    text (`likelihood`); it is finished when an end is likely where it ends (`ending`). Each figure
    becomes a chance, and the rating is their product: an answer must stand all three tests. The
    curves are fitted to real and bad answers on Dolly rows with SmolLM2-135M-Instruct
    (docs/lab.md); `benchmarks/judging.py --fit --model CHECKPOINT` fits them for another model.
    """

    kind: Literal["likelihood"] = "likelihood"
    model: str
    """The name of the model that judges; it must be able to score, as `transformers` can."""
    gain: Curve | None = Curve(half=1.60, width=0.30)
    """The most by which the instruction raises the log-likelihood of the answer's first tokens (up
    to 32), as log(1 + rise); null for no such test."""
    likelihood: Curve | None = Curve(half=-4.94, width=0.33)
    """The text's log-likelihood given the instruction, per token; null for no such test."""
    ending: Curve | None = Curve(half=-10.45, width=1.99)
    """The log-probability that the answer ends where it does, with or without a full stop; null
    for no such test."""
    least_rating: float = Field(0.8, ge=0, le=1)
    """The rating from which an answer is accepted."""
    least_tokens: int = Field(2, ge=2)
    """Answers with fewer tokens, EOS included, are rated 0."""

    @model_validator(mode="after")
    def _tests_something(self) -> "Likelihood":
        if not (self.gain or self.likelihood or self.ending):
            raise ValueError("needs at least one of gain, likelihood and ending")
        return self

    def check_model(self, spec: ModelSpec) -> None:
        """Its log-probabilities must be readable."""
        if not spec.scores:
            raise ConfigError(
                f"its judge needs log-probabilities, which model {self.model!r} ({spec.label}) "
                "does not give; use a model of kind transformers"
            )

    def expects(self, row: Length) -> Expected:
        """The answer after its question, alone, and closed where it was left open."""
        readings = Range(low=2, likely=2.6, high=3)
        return Expected(readings, (row.answered + ONE) * readings, rows=ONE)

    async def grade(self, row: Example, model: ChatModel) -> Grade:
        """Score the answer with its conversation and alone."""
        if not isinstance(model, Scorer):
            raise ConfigError(
                f"judge likelihood: model {self.model!r} cannot score an answer; "
                "name one of kind transformers"
            )
        shown = await figures(row, model)
        if shown.tokens < self.least_tokens:
            return Grade(status="Reject", rating=0, reason=f"only {shown.tokens} tokens")
        return self.decide(shown)

    def decide(self, shown: Figures) -> Grade:
        """The grade that these figures earn."""
        terms = [
            ("gain", self.gain, shown.gain),
            ("likelihood", self.likelihood, shown.likelihood),
            ("ending", self.ending, shown.ending),
        ]
        chances = [(name, curve.chance(value), value) for name, curve, value in terms if curve]
        rating = round(math.prod(chance for _, chance, _ in chances), 6)
        told = [f"{name} {value:.2f} ({chance:.2f})" for name, chance, value in chances]
        return Grade(
            status="Accept" if rating >= self.least_rating else "Reject",
            rating=rating,
            reason=f"{', '.join(told)} over {shown.tokens} tokens",
        )


async def figures(row: Example, model: Scorer) -> Figures:
    """The figures of a row's answer."""
    asked, answer = row.messages[:-1], row.answer
    given = await model.log_probabilities(asked, answer)
    alone = await model.log_probabilities((), answer)
    ending = given[-1]
    if _is_open(answer):
        stopped = await model.log_probabilities(asked, answer.rstrip() + ".")
        ending = max(ending, sum(stopped[-2:]))
    return Figures(gained(given, alone), fmean(given[:-1] or given), ending, len(given))


def gained(given: Sequence[float], alone: Sequence[float]) -> float:
    """The largest rise of the log-likelihood up to some token of the opening, as log(1 + rise)."""
    rises = (with_it - without for with_it, without in zip(given, alone, strict=True))
    return math.log1p(max(0, *list(accumulate(rises))[:OPENING]))


def _is_open(answer: str) -> bool:
    """Whether the answer's last letter is none that closes a sentence, a quotation or a list."""
    last = answer.rstrip()[-1:]
    return bool(last) and not unicodedata.category(last).startswith("P")
