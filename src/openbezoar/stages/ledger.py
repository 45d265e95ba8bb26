"""What a train stage leaves behind, on a fixed probe set: losses on earlier lessons, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from openbezoar.driver import wait_for
from openbezoar.evaluations import replies
from openbezoar.evaluations.ledger import Probe
from openbezoar.evaluations.pooled import never_negative, pooled
from openbezoar.families import Numbers
from openbezoar.models.checkpoint import Checkpoint
from openbezoar.models.transformers import Placement
from openbezoar.stages.lessons import Lesson, sequences

if TYPE_CHECKING:
    from openbezoar.training.format import Format

__all__ = ["Graduate", "Ledger"]


@dataclass(frozen=True)
class Graduate:
    """A model whose training is over."""

    name: str
    model: Any
    format: "Format"
    micro_tokens: int


class Ledger(Probe):
    """Figures on a fixed probe set, taken after a train stage; they change nothing else."""

    def measure(self, graduate: Graduate, lessons: Sequence[Lesson]) -> Numbers:
        """The loss on each lesson's data set, the first lesson first, then how it answers."""
        from openbezoar.training.adapters import set_dropout

        set_dropout(graduate.model, on=False)
        learned = {lesson.data: lesson for lesson in lessons} if self.rows else {}
        losses: dict[str, JsonValue] = {
            data: self._loss(graduate, lesson, lessons) for data, lesson in learned.items()
        }
        figures: dict[str, JsonValue] = {}
        if self.answers:
            given = wait_for(replies.ask(_answering(graduate), self.answers, self.max_tokens))
            lost = sum(one.completion is None for one in given)
            figures = {
                name: {**found._asdict(), "missing": lost}
                for name, found in replies.figures(given, self.max_tokens).items()
            }
        asked: dict[str, JsonValue] = {
            "max_tokens": self.max_tokens,
            "questions": replies.evidence(),
        }
        return {"losses": losses, "figures": figures, "asked": asked}

    def _loss(self, graduate: Graduate, lesson: Lesson, lessons: Sequence[Lesson]) -> Numbers:
        from openbezoar.training.logps import answer_log_probabilities

        limits = (self.rows, lesson.max_tokens)
        rows = sequences(lesson.rows, "valid", graduate.format, limits)
        found = answer_log_probabilities(graduate.model, rows, graduate.micro_tokens)
        totals, tokens = [-total for total, _ in found], [tokens for _, tokens in found]
        loss = never_negative(pooled(totals, tokens))
        numbers: Numbers = {
            "loss": loss.value,
            "standard_error": loss.standard_error,
            "low": loss.low,
            "high": loss.high,
            "rows": loss.n,
            "tokens": sum(tokens),
        }
        return numbers | _forgotten(numbers, lesson.data, lessons[:-1])


def _answering(graduate: Graduate) -> Checkpoint:
    """The model as one that answers, in the arithmetic of training.

    Neither packed attention nor recomputed activations go with a cache of past tokens.
    """
    base = graduate.model.get_base_model()
    base.set_attn_implementation("sdpa")
    base.activation_checkpointing_disable()
    return Checkpoint(graduate.name, base, graduate.format.tokenizer, Placement().batch)


def _forgotten(now: Numbers, data: str, before: Sequence[Lesson]) -> Numbers:
    """By how much the loss rose since the stage that learned this data last.

    Unknown where the ledgers of the two stages measured other rows.
    """
    for lesson in reversed(before):
        if lesson.data == data:
            losses: Any = lesson.ledger.get("losses", {})
            then, loss = losses.get(data, {}), now["loss"]
            equal = all(then.get(name) == now[name] for name in ("rows", "tokens"))
            if not equal or not isinstance(loss, float):
                return {}
            return {"since": lesson.stage, "change": loss - then["loss"]}
    return {}
