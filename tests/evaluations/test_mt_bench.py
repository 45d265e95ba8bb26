"""The whole of MT-Bench on scripted models."""

import re
from typing import TYPE_CHECKING

import pytest

from openbezoar.evaluations.mt_bench import EMBEDDED_NOTE, MtBench
from openbezoar.families import Request, Subject
from openbezoar.models.scripted import Scripted, ScriptedModel, complete_with
from openbezoar.records import Completion, Score

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk


class Embedded(Scripted):
    """A scripted model that bears the embedded one's label."""

    @property
    def label(self) -> str:
        return "SmolLM2-135M-Instruct (Q4_1)"


def scores_of(desk: "Desk", subject: Subject, **settings: object) -> dict[str, Score]:
    evaluation = MtBench.model_validate({"judge": "judge", **settings})
    return {score.name: score for score in evaluation.measure(subject, desk.bench())}


def by_turn(request: Request) -> str:
    """8 for a first turn, 4 for a second."""
    return "Rating: [[4]]" if "last answer" in request.messages[0].content else "Rating: [[8]]"


def test_ratings_are_averaged_overall_by_turn_and_by_category(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.judge = ScriptedModel(by_turn)
    scores = scores_of(desk, paper_subject)
    assert (scores["mt_bench"].value, scores["mt_bench"].n) == (6, 32)
    assert scores["mt_bench.turn_1"].value == 8
    assert scores["mt_bench.turn_2"].value == 4
    assert (scores["mt_bench.math"].value, scores["mt_bench.math"].n) == (6, 4)
    assert len(scores) == 3 + 8


def test_questions_that_differ_give_the_mean_an_error(desk: "Desk", paper_subject: Subject) -> None:
    """Two questions rated 2, 2 and 4, 4: mean 3, residues -2 and 2, sqrt(8 * 2) / 4 = 1."""
    desk.judge = ScriptedModel(
        lambda request: f"Rating: [[{4 if 'Rating?' in request.messages[0].content else 2}]]"
    )
    desk.student = ScriptedModel(
        lambda request: "Rating?" if request.sampling.temperature < 0.5 else "Fine."
    )
    score = scores_of(desk, paper_subject, limit=2)["mt_bench"]
    assert (score.value, score.n) == (3, 4)
    assert score.standard_error == pytest.approx(1)


def test_unreadable_verdicts_are_counted_and_never_scored(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.judge = ScriptedModel(
        lambda request: "9/10" if "last answer" in request.messages[0].content else "[[9]]"
    )
    scores = scores_of(desk, paper_subject, missing_share=0.5)
    whole = scores["mt_bench"]
    assert (whole.value, whole.n, whole.missing) == (9, 16, 16)
    assert "16 of 32 ratings missing, the mean of all lies in 5.00 to 9.50" in whole.note
    assert (scores["mt_bench.turn_2"].value, scores["mt_bench.turn_2"].missing) == (None, 16)


def test_too_many_missing_ratings_leave_no_headline(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(
        lambda request: "9/10" if "last answer" in request.messages[0].content else "[[9]]"
    )
    whole = scores_of(desk, paper_subject)["mt_bench"]
    assert (whole.value, whole.n) == (None, 16)
    assert "too many ratings are missing" in whole.note


def test_a_student_that_never_answers_has_no_score_and_costs_no_judge(
    desk: "Desk", paper_subject: Subject
) -> None:
    judge = ScriptedModel(by_turn)
    desk.student, desk.judge = ScriptedModel(lambda request: ""), judge
    whole = scores_of(desk, paper_subject)["mt_bench"]
    assert (whole.value, whole.n, whole.missing) == (None, 0, 32)
    assert judge.requests == []


def test_scores_by_the_embedded_judge_say_what_they_are_worth(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.specs["judge"] = Embedded(lines=())
    scores = scores_of(desk, paper_subject, limit=1)
    assert all(score.note.startswith(EMBEDDED_NOTE) for score in scores.values())


def test_scores_by_another_judge_name_it_and_the_prompt(
    desk: "Desk", paper_subject: Subject
) -> None:
    note = scores_of(desk, paper_subject, limit=1)["mt_bench"].note
    assert re.match(r"judge scripted, prompt [0-9a-f]{12}; questions of our own$", note)


def test_answers_cut_at_the_limit_are_counted(desk: "Desk", paper_subject: Subject) -> None:
    def cut(request: Request) -> Completion:
        return complete_with("And then", request, finish_reason="length")

    desk.student = ScriptedModel(cut)
    score = scores_of(desk, paper_subject, limit=1, answer_tokens=9)["mt_bench"]
    assert "2 answers cut at 9 tokens" in score.note


def test_transcripts_hold_question_answer_and_all_the_judge_said(
    desk: "Desk", paper_subject: Subject
) -> None:
    replies = iter(["hm", "Rating: [[7]]", "Rating: [[3]]"])
    desk.judge = ScriptedModel(lambda request: next(replies))
    scores_of(desk, paper_subject, limit=1, runtime={"concurrency": 1})
    [transcript] = desk.notes("transcripts.jsonl")
    first = transcript["turns"][0]  # type: ignore[index]
    assert (first["answer"], first["judge"]) == ("An answer.", ["hm", "Rating: [[7]]"])
    assert [item["rating"] for item in desk.notes("items.jsonl")] == [7, 3]


def test_the_number_of_questions_at_work_changes_nothing(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.judge = ScriptedModel(by_turn)
    many = scores_of(desk, paper_subject, runtime={"concurrency": 16})
    one = scores_of(desk, paper_subject, runtime={"concurrency": 1})
    notes = desk.notes("items.jsonl")
    assert many == one
    assert notes[:32] == notes[32:]


def test_it_uses_its_judge() -> None:
    assert MtBench(judge="claude").uses() == ("claude",)
