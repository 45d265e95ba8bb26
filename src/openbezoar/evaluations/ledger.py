"""The ledger of a checkpoint: its perplexity on held-out rows, its answers to fixed questions."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt

from openbezoar.component import Component
from openbezoar.driver import wait_for
from openbezoar.errors import ParseError
from openbezoar.evaluations import journal, replies
from openbezoar.evaluations.expecting import likelihoods_of, total_of
from openbezoar.evaluations.held_out import held_out
from openbezoar.evaluations.likelihood import Likelihood, LikelihoodRuntime, likelihoods
from openbezoar.evaluations.perplexity import answer_of, loss_scores
from openbezoar.families import Bench, Evaluation, Flow, Reading, Subject
from openbezoar.plurals import counted
from openbezoar.records import Example, Preference, Score

__all__ = ["CheckpointLedger", "Probe"]


class Probe(Component):
    """How much is looked at; the same for all checkpoints that are to stand in one table."""

    rows: NonNegativeInt = 16
    """Validation rows of each data set, whose loss shows what was learned and what forgotten."""
    answers: NonNegativeInt = Field(default=8, le=16)
    """Questions of ours that the model answers greedily, spread over 8 categories."""
    max_tokens: PositiveInt = 64
    """The longest answer; a longer one counts as not stopped."""


class Measured(NamedTuple):
    """One row of a data set and its likelihood, or why it has none."""

    row: Example | Preference
    found: Likelihood | ParseError


class CheckpointLedger(Probe, Evaluation):
    """What every train stage measures when it is done, for checkpoints that no train stage left.

    Perplexity on the validation rows of data sets; of the answers to a few fixed questions the
    share that stop, the mean length, the share that decline, and how much they repeat themselves.
    The report and `bezoar show --ledger` put it into one table with the train stages'.
    """

    kind: Literal["ledger"] = "ledger"
    data: tuple[str, ...] = ()
    """The mix stages on whose first validation rows the loss is measured."""
    row_tokens: PositiveInt = 1024
    """A longer row loses its earliest turns; one that is still longer counts as missing."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    runtime: LikelihoodRuntime = LikelihoodRuntime()

    def reads(self) -> tuple[str, ...]:
        """The data sets."""
        return self.data

    def evidence(self) -> JsonValue:
        """The questions."""
        return replies.evidence()

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """The first rows of each data set once, and an answer to each question."""
        flows_read = [flows[name] for name in self.data]
        parts = [likelihoods_of(flow, self.rows, self.row_tokens, answers=1) for flow in flows_read]
        asked = {"": replies.expects(self.answers, self.max_tokens)}
        return total_of(parts)._replace(asked=asked)

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Two scores a data set and four of the answers; one item a row and one a question."""
        scores: list[Score] = []
        for name, measured in self._measured(subject, bench).items():
            journal.append(bench.folder / journal.ITEMS, (_item(name, one) for one in measured))
            names = (f"ledger.loss.{name}", f"ledger.perplexity.{name}")
            settings: dict[str, JsonValue] = {
                "rows": bench.inputs[name].manifest.fingerprint,
                "first": self.rows,
                "max_tokens": self.row_tokens,
                "precision": self.precision,
            }
            scores += loss_scores([one.found for one in measured], names, settings)
        return scores + self._answered(subject, bench)

    def _measured(self, subject: Subject, bench: Bench) -> dict[str, list[Measured]]:
        """The first rows of every data set, the model loaded once for all of them."""
        names = self.data if self.rows else ()
        parts = [held_out(name, bench.inputs[name], None)[: self.rows] for name in names]
        rows = [row for part in parts for row in part]
        answers = [answer_of(row) for row in rows]
        limits = self.row_tokens, self.precision, self.runtime
        found = likelihoods(subject.path, answers, *limits) if answers else []
        pairs = [Measured(*pair) for pair in zip(rows, found, strict=True)]
        ends = pairwise(accumulate(map(len, parts), initial=0))
        return {name: pairs[start:end] for name, (start, end) in zip(names, ends, strict=True)}

    def _answered(self, subject: Subject, bench: Bench) -> list[Score]:
        if not self.answers:
            return []
        given = wait_for(self._ask(subject, bench))
        items = ({"evaluation": self.kind, **one.item()} for one in given)
        journal.append(bench.folder / journal.ITEMS, items)
        journal.append(bench.folder / journal.TRANSCRIPTS, map(_transcript, given))
        return answer_scores(given, self.max_tokens)

    async def _ask(self, subject: Subject, bench: Bench) -> list[replies.Reply]:
        async with bench.open_checkpoint(subject.path, subject.fingerprint) as model:
            return await replies.ask(model, self.answers, self.max_tokens)


def answer_scores(given: Sequence[replies.Reply], max_tokens: int) -> list[Score]:
    """What the answers show, as scores."""
    settings: dict[str, JsonValue] = {
        "questions": replies.evidence(),
        "asked": len(given),
        "max_tokens": max_tokens,
    }
    lost = sum(one.completion is None for one in given)
    return [
        Score(
            name=f"ledger.{name}", value=found.value, standard_error=found.standard_error,
            low=found.low, high=found.high, n=found.n, missing=lost, settings=settings,
            higher_is_better=None if name == "tokens" else name == "stopped",
            note=f"answers to {counted(len(given), 'question')} of our own, "
            f"at most {counted(max_tokens, 'token')} each",
        )
        for name, found in replies.figures(given, max_tokens).items()
    ]  # fmt: skip


def _item(data: str, one: Measured) -> dict[str, JsonValue]:
    item: dict[str, JsonValue] = {"evaluation": "ledger", "data": data, "id": one.row.id}
    if isinstance(one.found, ParseError):
        return {**item, "missing": one.found.reason}
    return {**item, "loss": -one.found.per_token, "tokens": one.found.tokens}


def _transcript(one: replies.Reply) -> dict[str, JsonValue]:
    answer = one.completion.text if one.completion else None
    asked = one.question.turns[0]
    return {"evaluation": "ledger", "id": one.item()["id"], "question": asked, "answer": answer}
