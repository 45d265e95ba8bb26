"""What a train stage leaves behind, on a fixed probe set: losses on earlier lessons, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue, NonNegativeInt, PositiveInt

from openbezoar.component import Component
from openbezoar.driver import over_rows, wait_for
from openbezoar.evaluations.held_out import spread
from openbezoar.evaluations.pooled import pooled
from openbezoar.evaluations.questions import SAMPLE, QuestionFiles
from openbezoar.families import Numbers, Request, Sampling
from openbezoar.models.transformers import Checkpoint, Placement, Transformers
from openbezoar.records import Completion, Message
from openbezoar.refusing import refusal
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


class Ledger(Component):
    """Figures on a fixed probe set, taken after a train stage; they change nothing else."""

    rows: NonNegativeInt = 16
    """Validation rows of each data set learned so far, whose loss shows what was forgotten."""
    answers: NonNegativeInt = Field(default=8, le=16)
    """Questions of ours that the model answers greedily, spread over 8 categories."""
    max_tokens: PositiveInt = 64
    """The longest answer; a longer one counts as not stopped."""

    def measure(self, graduate: Graduate, lessons: Sequence[Lesson]) -> Numbers:
        """The loss on each lesson's data set, the first lesson first, then how it answers."""
        from openbezoar.training.adapters import set_dropout

        set_dropout(graduate.model, on=False)
        learned = {lesson.data: lesson for lesson in lessons} if self.rows else {}
        losses: dict[str, JsonValue] = {
            data: self._loss(graduate, lesson, lessons) for data, lesson in learned.items()
        }
        answers = self._answers(graduate) if self.answers else {}
        return {"losses": losses, "answers": answers}

    def _loss(self, graduate: Graduate, lesson: Lesson, lessons: Sequence[Lesson]) -> Numbers:
        from openbezoar.training.logps import answer_log_probabilities

        limits = (self.rows, lesson.max_tokens)
        rows = sequences(lesson.rows, "valid", graduate.format, limits)
        found = answer_log_probabilities(graduate.model, rows, graduate.micro_tokens)
        loss = pooled([-total for total, _ in found], [tokens for _, tokens in found])
        numbers: Numbers = {
            "loss": loss.value,
            "standard_error": loss.standard_error,
            "rows": loss.n,
            "tokens": sum(tokens for _, tokens in found),
        }
        return numbers | _forgotten(numbers, lesson.data, lessons[:-1])

    def _answers(self, graduate: Graduate) -> Numbers:
        sample = QuestionFiles(SAMPLE)
        asked = spread(sample.load("vetted"), self.answers)
        questions = [one.turns[0] for one in asked]
        given = wait_for(self._answered(graduate, questions))
        stopped = sum(answer.finish_reason == "stop" for answer in given)
        refused = sum(bool(refusal(answer.text)) for answer in given)
        share = {
            "stop_rate": stopped / len(given),
            "mean_tokens": sum(answer.tokens_out for answer in given) / len(given),
            "refusal_share": refused / len(given),
        } if given else {}  # fmt: skip
        return {
            "n": len(given),
            "missing": len(questions) - len(given),
            "stopped": stopped,
            "refusals": refused,
            **share,
            "max_tokens": self.max_tokens,
            "questions": sample.evidence()[0][:12],
        }

    async def _answered(self, graduate: Graduate, questions: Sequence[str]) -> list[Completion]:
        """The answers, without those that the model has no room for."""
        model = _answering(graduate)
        sampling = Sampling(temperature=0, max_tokens=self.max_tokens)

        async def answer(question: str) -> Completion:
            asked = (Message(role="user", content=question),)
            return await model.complete(Request(messages=asked, sampling=sampling))

        outcomes = over_rows(questions, answer, limit=len(questions))
        return [one.result async for one in outcomes if one.result is not None]


def _answering(graduate: Graduate) -> Checkpoint:
    """The model as one that answers, in the arithmetic of training.

    Neither packed attention nor recomputed activations go with a cache of past tokens.
    """
    base = graduate.model.get_base_model()
    base.set_attn_implementation("sdpa")
    base.activation_checkpointing_disable()
    spec = Transformers(
        checkpoint=graduate.name, runtime=Placement(device=str(graduate.model.device))
    )
    return Checkpoint(spec, base, graduate.format.tokenizer)


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
