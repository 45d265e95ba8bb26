"""A judge that reads no verdict: it asks a model how likely it finds the answer."""

from typing import Literal

from pydantic import Field

from openbezoar.errors import ConfigError
from openbezoar.families import ChatModel, Judge, ModelSpec, Scorer
from openbezoar.records import Example, Grade

__all__ = ["Likelihood"]

PLAIN_WEIGHT = 0.3
"""Brings the margin of the plain likelihood to the scale of the gain's (see docs/lab.md)."""


class Likelihood(Judge):
    """Accepts an answer that its instruction makes likelier, and that is likely enough as text.

    The gain (log-likelihood given the instruction less that without one) tells answers of other
    rows and refusals; the plain likelihood tells broken text. Both are per token, in natural
    logarithms. The rating is the smaller of the two margins above their floors.
    """

    kind: Literal["likelihood"] = "likelihood"
    model: str
    """The name of the model that judges; it must be able to score, as `transformers` can."""
    least_gain: float = 0.2
    """How much the instruction must raise the answer's log-likelihood, per token."""
    least_likelihood: float | None = -4.5
    """The floor of the answer's own log-likelihood, per token; null for no floor."""
    least_tokens: int = Field(2, ge=1)
    """Answers with fewer tokens, EOS included, are rejected unscored by the rest."""

    def check_model(self, spec: ModelSpec) -> None:
        """Its log-probabilities must be readable."""
        if not spec.scores:
            raise ConfigError(
                f"its judge needs log-probabilities, which model {self.model!r} ({spec.label}) "
                "does not give; use a model of kind transformers"
            )

    async def grade(self, row: Example, model: ChatModel) -> Grade:
        """Score the answer with its conversation and alone."""
        if not isinstance(model, Scorer):
            raise ConfigError(
                f"judge likelihood: model {self.model!r} cannot score an answer; "
                "name one of kind transformers"
            )
        given, tokens = await model.log_probability(row.messages[:-1], row.answer)
        alone, _ = await model.log_probability((), row.answer)
        return self.decide((given - alone) / tokens, given / tokens, tokens)

    def decide(self, gain: float, likelihood: float, tokens: int) -> Grade:
        """The grade that these numbers earn."""
        margins = [gain - self.least_gain]
        if self.least_likelihood is not None:
            margins.append(PLAIN_WEIGHT * (likelihood - self.least_likelihood))
        rating = min(margins)
        accepted = rating >= 0 and tokens >= self.least_tokens
        return Grade(
            status="Accept" if accepted else "Reject",
            rating=round(rating, 4),
            reason=f"gain {gain:.2f}, likelihood {likelihood:.2f} a token over {tokens} tokens",
        )
