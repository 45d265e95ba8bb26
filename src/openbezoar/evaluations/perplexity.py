"""How surprised a model is by answers it has not seen."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import JsonValue, PositiveInt

from openbezoar.errors import ParseError
from openbezoar.evaluations import journal
from openbezoar.evaluations.expecting import likelihoods_of
from openbezoar.evaluations.held_out import held_out
from openbezoar.evaluations.likelihood import Answer, Likelihood, LikelihoodRuntime, likelihoods
from openbezoar.evaluations.pooled import never_negative, pooled
from openbezoar.families import Bench, Evaluation, Flow, Reading, Subject
from openbezoar.plurals import counted
from openbezoar.records import Example, Preference, Score
from openbezoar.statistics import Estimate

__all__ = ["Perplexity", "answer_of", "loss_scores"]


class Perplexity(Evaluation):
    """The loss per answer token, EOS included, on held-out rows, and its exponential."""

    kind: Literal["perplexity"] = "perplexity"
    data: str
    """The stage whose rows are measured: a data set's validation rows, else all its rows.
    Of a preference, the chosen answer."""
    limit: PositiveInt | None = None
    """At most so many rows, spread evenly over the data."""
    max_tokens: PositiveInt = 1024
    """A longer row loses its earliest turns; one that is still longer counts as missing."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    runtime: LikelihoodRuntime = LikelihoodRuntime()

    def reads(self) -> tuple[str, ...]:
        """The stage of the rows."""
        return (self.data,)

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Each row once."""
        return likelihoods_of(flows[self.data], self.limit, self.max_tokens, answers=1)

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Two scores, `loss.<data>` and `perplexity.<data>`; one item a row."""
        rows = held_out(self.data, bench.inputs[self.data], self.limit)
        answers = [answer_of(row) for row in rows]
        found = likelihoods(
            subject.path, answers, self.max_tokens, self.precision, self.runtime,
            bench.deadline.check,
        )  # fmt: skip
        journal.append(
            bench.folder / journal.ITEMS,
            (self._item(row, one) for row, one in zip(rows, found, strict=True)),
        )
        settings: dict[str, JsonValue] = {
            "rows": bench.inputs[self.data].manifest.fingerprint,
            "limit": self.limit,
            "max_tokens": self.max_tokens,
            "precision": self.precision,
        }
        return loss_scores(found, (f"loss.{self.data}", f"perplexity.{self.data}"), settings)

    def _item(
        self, row: Example | Preference, found: Likelihood | ParseError
    ) -> dict[str, JsonValue]:
        item: dict[str, JsonValue] = {"evaluation": self.kind, "data": self.data, "id": row.id}
        if isinstance(found, ParseError):
            return {**item, "missing": found.reason}
        return {**item, "loss": -found.per_token, "tokens": found.tokens}


def answer_of(row: Example | Preference) -> Answer:
    """A row's question and answer; of a preference the chosen one."""
    if isinstance(row, Preference):
        return row.prompt, row.chosen
    return row.messages[:-1], row.answer


def loss_scores(
    found: Sequence[Likelihood | ParseError], names: tuple[str, str], settings: dict[str, JsonValue]
) -> list[Score]:
    """The mean loss a token over rows and its exponential, by these names."""
    read = [one for one in found if isinstance(one, Likelihood)]
    loss = never_negative(pooled([-one.total for one in read], [one.tokens for one in read]))
    perplexity = _exponential(loss)
    return [
        Score(
            name=name, value=mean.value, standard_error=mean.standard_error, n=mean.n,
            low=mean.low, high=mean.high, missing=len(found) - len(read), higher_is_better=False,
            note=counted(sum(one.tokens for one in read), "answer token"), settings=settings,
        )
        for name, mean in zip(names, (loss, perplexity), strict=True)
    ]  # fmt: skip


def _exponential(loss: Estimate) -> Estimate:
    value = None if loss.value is None else math.exp(loss.value)
    error = loss.standard_error
    return Estimate(
        value, loss.n, None if error is None or value is None else value * error,
        None if loss.low is None else math.exp(loss.low),
        None if loss.high is None else math.exp(loss.high),
    )  # fmt: skip
