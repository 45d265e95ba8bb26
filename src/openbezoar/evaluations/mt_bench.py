"""MT-Bench's method: a model answers questions of two turns, a judge rates every answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.driver import wait_for
from openbezoar.evaluations import journal
from openbezoar.evaluations.dialogues import Dialogue
from openbezoar.evaluations.exam import ExamSettings, Paper, refuse_json
from openbezoar.evaluations.expecting import questions_of
from openbezoar.evaluations.grades import Graded, Grading
from openbezoar.evaluations.published import Published
from openbezoar.families import (
    Bench,
    Evaluation,
    Flow,
    Item,
    ModelSpec,
    Reading,
    Subject,
    expect_shapes,
)
from openbezoar.judges.rating import RatingForm, form_of
from openbezoar.judges.verdicts import Judgment
from openbezoar.judges.wording import Wording
from openbezoar.plurals import counted
from openbezoar.ranges import Range, exactly
from openbezoar.records import Score

__all__ = ["MtBench"]

Judged = list[list[Judgment[float]]]
"""A judgment for every turn of every dialogue."""


class Sitting(NamedTuple):
    """What came of one measurement."""

    paper: Paper
    dialogues: list[Dialogue]
    judged: list[Judged]
    """By judge."""


class MtBench(ExamSettings, Evaluation):
    """Every answer rated from 1 to 10 by a judge (single-answer grading, arXiv 2306.05685)."""

    kind: Literal["mt_bench"] = "mt_bench"
    verdict: RatingForm = "brackets"
    """brackets: an opinion, then `[[rating]]`, as MT-Bench has it; the last one counts, and one
    that cannot be read is asked for once more. json: the bare rating, in a form that the server
    enforces, for judges too small to keep to brackets. classic: as FastChat does it, with answers
    that may steer the judge, the first `[[n]]` or `[n]`, and no second try."""

    def uses(self) -> tuple[str, ...]:
        """The judges."""
        return self.judges

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """A judge that answers in JSON must be one that can be held to it."""
        if self.verdict == "json":
            refuse_json(self._own)
            for name in self.judges:
                expect_shapes(specs[name])

    def check_ready(self) -> None:
        """The questions and prompts must be here, and be what they claim to be."""
        self.check_files(self._own)

    def evidence(self) -> JsonValue:
        """The wording of the judge's prompts, and the questions."""
        return self.exam_evidence(self._own)

    def benchmarks(self) -> dict[str, JsonValue]:
        """The set of questions, with the digests of its files."""
        return {self.files.title: [*self.files.evidence()]}

    def items(self) -> Iterator[Item]:
        """Both turns of every question and the answers the judge is shown, whatever `limit`."""
        return self.exam_items()

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Every turn answered once, and rated by every judge."""
        wording = self.wording_for(self._own, self.verdict != "classic", self.verdict == "json")
        exam = self.expects_exam(wording)
        rated = questions_of([exam.rated], self.judge_tokens).times(exactly(exam.turns))
        once_more = Range(low=1, likely=1, high=1 if self.verdict == "json" else 1.5)
        asked = {"": exam.answers}
        for name in self.judges:
            asked[name] = rated.times(once_more)
        if self.references == "judge":
            asked[self.judge] = asked[self.judge].plus(exam.references)
        return Reading(asked)

    @property
    def _own(self) -> bool:
        return self.has_own_wording(as_json=self.verdict == "json")

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """The mean rating, by turn and by category; one item a turn, one transcript a question."""
        wording = self.wording_for(self._own, self.verdict != "classic", self.verdict == "json")
        sitting = wait_for(self._sit(subject, bench, wording))
        rows = [self._graded(sitting.dialogues, judged) for judged in sitting.judged]
        journal.append(bench.folder / journal.ITEMS, map(_item, rows[0]))
        transcripts = map(_transcript, sitting.dialogues, sitting.judged[0])
        journal.append(bench.folder / journal.TRANSCRIPTS, transcripts)
        self._publish(subject, sitting, bench, wording)
        grading = self._grading(sitting, bench.specs)
        scores = grading.scores(rows[0])
        if self.second_judge is not None:
            label = bench.specs[self.second_judge].label
            scores += grading.agreement(rows[0], rows[1], label)
        return scores

    async def _sit(self, subject: Subject, bench: Bench, wording: Wording) -> Sitting:
        paper = await self.paper(bench, wording, pair=False)
        bench.say(f"{subject.name} answers {counted(len(paper.questions), 'question')}")
        async with bench.open_checkpoint(subject.path, subject.fingerprint) as student:
            dialogues = await self.interview(bench).ask(paper.questions, student)
        judged = []
        for name in self.judges:
            bench.say(f"{name} rates the answers")
            async with bench.open_model(name) as judge:
                court = self.court(wording, bench)
                judged.append(await court.rate(dialogues, judge, form_of(self.verdict)))
        return Sitting(paper, dialogues, judged)

    def _grading(self, sitting: Sitting, specs: Mapping[str, ModelSpec]) -> Grading:
        note = self.note_on(specs[self.judge], sitting.paper, self._own)
        settings = {**self.settings_for(specs, self._own), "verdict": self.verdict}
        return Grading(self.missing_share, note, settings)

    def _graded(self, dialogues: Sequence[Dialogue], judged: Judged) -> list[Graded]:
        return [
            Graded(
                str(dialogue.question.question_id), dialogue.question.category, place,
                judgment.reading.value, judgment.reading.reason, len(turn.exchange.answer),
                self.answer_tokens if turn.finish_reason == "length" else None,
                judgment.detail,
            )
            for dialogue, judgments in zip(dialogues, judged, strict=True)
            for place, (turn, judgment) in enumerate(
                zip(dialogue.turns, judgments, strict=True), 1
            )
        ]  # fmt: skip

    def _publish(self, subject: Subject, sitting: Sitting, bench: Bench, wording: Wording) -> None:
        """Leave answers and judgments as FastChat keeps them too."""
        shelf = Published.fresh(bench.folder, self.files.title)
        shelf.answers(subject.name, sitting.dialogues)
        for name, judged in zip(self.judges, sitting.judged, strict=True):
            shelf.ratings(subject.name, bench.specs[name].label, wording, sitting.dialogues, judged)


def _item(row: Graded) -> dict[str, Any]:
    return {
        "evaluation": "mt_bench",
        "id": f"{row.question}.{row.turn}",
        "category": row.category,
        "turn": row.turn,
        "rating": row.rating,
        "reason": row.reason,
        "detail": row.detail,
        "length": row.length,
    }


def _transcript(dialogue: Dialogue, judgments: Sequence[Judgment[float]]) -> dict[str, Any]:
    return {
        "evaluation": "mt_bench",
        "id": str(dialogue.question.question_id),
        "category": dialogue.question.category,
        "turns": [
            {
                **vars(turn.exchange),
                "finish_reason": turn.finish_reason,
                "judge": list(judgment.replies),
                "rating": judgment.reading.value,
                "reason": judgment.reading.reason,
            }
            for turn, judgment in zip(dialogue.turns, judgments, strict=True)
        ],
    }
