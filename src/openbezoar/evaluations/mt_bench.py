"""MT-Bench's method: a model answers questions of two turns, a judge rates every answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, JsonValue, PositiveInt

from openbezoar import prompts
from openbezoar.component import Runtime
from openbezoar.driver import wait_for
from openbezoar.evaluations import journal, judging
from openbezoar.evaluations.dialogues import Dialogue, Examiner, Turn
from openbezoar.evaluations.held_out import spread
from openbezoar.evaluations.pooled import pooled
from openbezoar.evaluations.questions import Question, QuestionSet, References, evidence, load
from openbezoar.families import Bench, Evaluation, Item, ModelSpec, Subject, expect_shapes
from openbezoar.records import Score

__all__ = ["EMBEDDED_NOTE", "MtBench", "MtBenchRuntime"]

EMBEDDED = "smollm2-135m"
"""Part of the embedded model's label; as a judge it cannot tell good from bad, measured."""
EMBEDDED_NOTE = "embedded judge: shows that the plumbing works, not how good a model is"


class MtBenchRuntime(Runtime):
    """Logistics."""

    concurrency: PositiveInt = 8
    """Questions at work at a time."""


class MtBench(Evaluation):
    """Every answer rated from 1 to 10 by a judge (single-answer grading, arXiv 2306.05685)."""

    kind: Literal["mt_bench"] = "mt_bench"
    judge: str
    """The recipe's name of the model that judges; the paper's was Claude 2.1."""
    questions: QuestionSet = "sample"
    """sample: 16 questions of our own. mt_bench: the 80 of MT-Bench, from the data folder."""
    references: References = "vetted"
    """vetted: without the 13 reference answers known to be wrong. classic: all 30 of them."""
    limit: PositiveInt | None = None
    """At most so many questions, spread evenly over the categories."""
    answer_tokens: PositiveInt = 1024
    """The longest answer, as in FastChat."""
    judge_tokens: PositiveInt = 1024
    """The longest reply of the judge."""
    verdict: judging.Verdict = "brackets"
    """brackets: an opinion, then `[[rating]]`, as MT-Bench has it. json: the bare rating, in a form
    that the server enforces, for judges too small to keep to brackets."""
    missing_share: float = Field(default=0.2, ge=0, le=1)
    """With more than this share of ratings missing, no mean is given."""
    runtime: MtBenchRuntime = MtBenchRuntime()

    def uses(self) -> tuple[str, ...]:
        """The judge."""
        return (self.judge,)

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """A judge that answers in JSON must be one that can be held to it."""
        if self.verdict == "json":
            expect_shapes(specs[self.judge])

    def evidence(self) -> JsonValue:
        """The wording of the judge's prompts, and the questions."""
        wording = [prompts.fingerprint(name) for name in (judging.PROMPT, judging.REPAIR)]
        return [*wording, *evidence(self.questions)]

    def benchmarks(self) -> dict[str, JsonValue]:
        """The set of questions, with the digests of its files."""
        return {self._set: [*evidence(self.questions)]}

    def items(self) -> Iterator[Item]:
        """Both turns of every question and the answers the judge is shown, whatever `limit`."""
        for question in load(self.questions, self.references):
            texts = (*question.turns, *question.reference)
            yield Item(self._set, str(question.question_id), texts)

    @property
    def _set(self) -> str:
        return "mt_bench" if self.questions == "mt_bench" else "sample_questions"

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """The mean rating, by turn and by category; one item a turn, one transcript a question."""
        questions = spread(load(self.questions, self.references), self.limit)
        dialogues = wait_for(self._dialogues(questions, subject, bench))
        journal.append(bench.folder / journal.ITEMS, _items(dialogues))
        journal.append(bench.folder / journal.TRANSCRIPTS, map(_transcript, dialogues))
        note = self._note(dialogues, bench.specs[self.judge].label)
        return [self._score(name, rows, note) for name, rows in _parts(dialogues).items()]

    async def _dialogues(
        self, questions: Sequence[Question], subject: Subject, bench: Bench
    ) -> list[Dialogue]:
        examiner = Examiner(
            self.runtime.concurrency,
            self.answer_tokens,
            self.judge_tokens,
            bench.seed,
            self.verdict,
        )
        bench.say(f"{subject.name} answers {len(questions)} questions")
        async with bench.open_checkpoint(subject.path, subject.fingerprint) as student:
            dialogues = await examiner.ask(questions, student)
        bench.say(f"{self.judge} rates the answers")
        async with bench.open_model(self.judge) as judge:
            return await examiner.judge(dialogues, judge)

    def _note(self, dialogues: Sequence[Dialogue], label: str) -> str:
        parts = [EMBEDDED_NOTE] if EMBEDDED in label.lower() else []
        parts.append(f"judge {label}, prompt {prompts.fingerprint(judging.PROMPT)}")
        sample = self.questions == "sample"
        parts.append("questions of our own" if sample else f"{self.references} references")
        cut = sum(turn.finish_reason == "length" for one in dialogues for turn in one.turns)
        if cut:
            parts.append(f"{cut} answers cut at {self.answer_tokens} tokens")
        return "; ".join(parts)

    def _score(self, name: str, rows: list[Sequence[Turn]], note: str) -> Score:
        """The mean over all ratings; the turns of one question are one cluster of its error."""
        read = [
            [turn.judgment.rating.value for turn in row if turn.judgment.rating.value is not None]
            for row in rows
        ]
        ratings = [value for row in read for value in row]
        wanted = sum(len(row) for row in rows)
        missing = wanted - len(ratings)
        if missing:
            note = f"{note}; {_bounds(ratings, missing)}"
        if not ratings or missing > self.missing_share * wanted:
            note = f"{note}; too many ratings are missing for a mean"
            return Score(name=name, value=None, n=len(ratings), missing=missing, note=note)
        mean = pooled([sum(row) for row in read], [len(row) for row in read])
        return Score(
            name=name, value=mean.value, n=len(ratings), missing=missing, note=note,
            standard_error=mean.standard_error, low=mean.low, high=mean.high,
        )  # fmt: skip


def _parts(dialogues: Sequence[Dialogue]) -> dict[str, list[Sequence[Turn]]]:
    """The turns that each score rests on: all, by place in the dialogue, by category."""
    parts: dict[str, list[Sequence[Turn]]] = {"mt_bench": [one.turns for one in dialogues]}
    for dialogue in dialogues:
        for place, turn in enumerate(dialogue.turns, start=1):
            parts.setdefault(f"mt_bench.turn_{place}", []).append([turn])
    for dialogue in dialogues:
        parts.setdefault(f"mt_bench.{dialogue.question.category}", []).append(dialogue.turns)
    return parts


def _bounds(ratings: list[float], missing: int) -> str:
    """What the mean would be, were every missing rating the worst or the best."""
    wanted, total = len(ratings) + missing, sum(ratings)
    low, high = (
        (total + missing * rating) / wanted for rating in (judging.LOWEST, judging.HIGHEST)
    )
    return f"{missing} of {wanted} ratings missing, the mean of all lies in {low:.2f} to {high:.2f}"


def _items(dialogues: Sequence[Dialogue]) -> Iterator[dict[str, Any]]:
    for dialogue in dialogues:
        for place, turn in enumerate(dialogue.turns, start=1):
            yield {
                "evaluation": "mt_bench",
                "id": f"{dialogue.question.question_id}.{place}",
                "category": dialogue.question.category,
                "turn": place,
                "rating": turn.judgment.rating.value,
                "reason": turn.judgment.rating.reason,
            }


def _transcript(dialogue: Dialogue) -> dict[str, Any]:
    return {
        "evaluation": "mt_bench",
        "id": str(dialogue.question.question_id),
        "category": dialogue.question.category,
        "turns": [
            {
                **vars(turn.exchange),
                "finish_reason": turn.finish_reason,
                "judge": list(turn.judgment.replies),
                "rating": turn.judgment.rating.value,
                "reason": turn.judgment.rating.reason,
            }
            for turn in dialogue.turns
        ],
    }
