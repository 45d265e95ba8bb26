"""The whole of MT-Bench on scripted models."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import JsonValue

from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.evaluations.exam import EMBEDDED_NOTE
from openbezoar.evaluations.fastchat import read_answers, read_judgments
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.families import ChatModel, Request, Subject
from openbezoar.models.policies import open_model
from openbezoar.models.scripted import Scripted, ScriptedModel, complete_with
from openbezoar.records import Completion, Score
from openbezoar.shelf import readable

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
    assert len(scores) == 3 + 8 + 1


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
    assert "missing in coding turn 2 (2), extraction turn 2 (2)" in whole.note
    assert "for no rating (16)" in whole.note
    assert (scores["mt_bench.turn_2"].value, scores["mt_bench.turn_2"].missing) == (None, 16)


def test_too_many_missing_ratings_leave_no_headline(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(
        lambda request: "9/10" if "last answer" in request.messages[0].content else "[[9]]"
    )
    whole = scores_of(desk, paper_subject)["mt_bench"]
    assert (whole.value, whole.n) == (None, 16)
    assert whole.note.startswith("invalid: too many ratings are missing")


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
    scores.pop("mt_bench.length")
    assert all(score.note.startswith(EMBEDDED_NOTE) for score in scores.values())


def test_scores_by_another_judge_name_it_and_the_prompt(
    desk: "Desk", paper_subject: Subject
) -> None:
    note = scores_of(desk, paper_subject, limit=1)["mt_bench"].note
    assert re.match(r"judge scripted, own prompts [0-9a-f]{12}; questions of our own$", note)


def test_answers_cut_at_the_limit_are_counted(desk: "Desk", paper_subject: Subject) -> None:
    def cut(request: Request) -> Completion:
        return complete_with("And then", request, finish_reason="length")

    desk.student = ScriptedModel(cut)
    score = scores_of(desk, paper_subject, limit=1, answer_tokens=9)["mt_bench"]
    assert "2 answers cut at 9 tokens" in score.note


def test_what_a_server_says_of_a_refusal_is_kept_with_the_item_in_one_short_line(
    desk: "Desk", paper_subject: Subject
) -> None:
    def refuse(request: Request) -> str:
        raise ParseError("refused by the server", "the request\nis too long " + 999 * "x")

    desk.judge = ScriptedModel(refuse)
    whole = scores_of(desk, paper_subject, limit=1)["mt_bench"]
    item = desk.notes("items.jsonl")[0]
    assert (item["reason"], whole.missing) == ("judge: refused by the server", 2)
    assert str(item["detail"]).startswith("the request is too long xxx")
    assert len(str(item["detail"])) == 300
    assert "detail: the request is too long" in readable(item)
    assert "too long" not in whole.note


def test_why_a_model_gave_no_answer_is_kept_with_the_item(
    desk: "Desk", paper_subject: Subject
) -> None:
    def refuse(request: Request) -> str:
        raise ParseError("refused by the server", "no room")

    desk.student = ScriptedModel(refuse)
    scores_of(desk, paper_subject, limit=1)
    first, second = desk.notes("items.jsonl")
    assert (first["reason"], first["detail"]) == ("no answer: refused by the server", "no room")
    assert (second["reason"], second["detail"]) == ("no answer to the turn before", "")


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


def test_it_uses_its_judges() -> None:
    assert MtBench(judge="claude").uses() == ("claude",)
    assert MtBench(judge="claude", second_judge="gpt").uses() == ("claude", "gpt")


def test_longer_answers_that_are_rated_higher_are_told_of(
    desk: "Desk", paper_subject: Subject
) -> None:
    lengths = iter(range(1, 33))
    desk.student = ScriptedModel(lambda request: "a" * next(lengths))
    desk.judge = ScriptedModel(
        lambda request: f"[[{1 + len(request.messages[0].content.split('aa')) // 4}]]"
    )
    score = scores_of(desk, paper_subject, runtime={"concurrency": 1})["mt_bench.length"]
    assert score.value is not None
    assert score.value > 0.8
    assert "no cause, but a warning" in score.note


def test_two_judges_rate_the_same_answers_and_their_agreement_is_told(
    desk: "Desk", paper_subject: Subject
) -> None:
    """The second judge is one point lower on one turn, five on the other."""
    desk.specs["other"] = Scripted(lines=())
    replies = iter([*["[[8]]", "[[7]]"] * 16, *["[[7]]", "[[2]]"] * 16])
    desk.judge = ScriptedModel(lambda request: next(replies))
    scores = scores_of(desk, paper_subject, second_judge="other", runtime={"concurrency": 1})
    assert scores["mt_bench"].value == 7.5
    near = scores["mt_bench.judges_within_1"]
    assert (near.value, near.n, near.missing) == (0.5, 32, 0)
    assert scores["mt_bench.judges_rank"].value == 1


def test_answers_and_judgments_are_left_in_fastchat_s_files(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.judge = ScriptedModel(by_turn)
    for _ in range(2):
        scores_of(desk, paper_subject, limit=8)
    folder = desk.root / "made" / "fastchat" / "sample_questions"
    answers = read_answers(folder / "model_answer" / "paper.jsonl")
    assert {one.turns for one in answers.values()} == {("An answer.", "An answer.")}
    judgments = read_judgments(folder / "model_judgment" / "scripted_single.jsonl")
    assert [(one.turn, one.score) for one in judgments[:2]] == [(1, 8), (2, 4)]
    assert judgments[0].judge == ("scripted", "mt_bench_grade")
    again = folder.with_name("sample_questions-2") / "model_answer" / "paper.jsonl"
    assert read_answers(again) == answers


def test_an_answer_that_is_absent_is_left_out_of_the_files_of_judgments(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.student = ScriptedModel(lambda request: "" if len(request.messages) > 1 else "Yes.")
    desk.judge = ScriptedModel(lambda request: "none")
    scores_of(desk, paper_subject, limit=1)
    folder = desk.root / "made" / "fastchat" / "sample_questions"
    [judgment] = read_judgments(folder / "model_judgment" / "scripted_single.jsonl")
    assert (judgment.turn, judgment.score) == (1, -1)


def test_scores_carry_what_they_depend_on(desk: "Desk", paper_subject: Subject) -> None:
    one = scores_of(desk, paper_subject, limit=1)["mt_bench"].settings
    other = scores_of(desk, paper_subject, limit=1, references="none")["mt_bench"].settings
    assert {name for name in one if one[name] != other[name]} == {"references"}
    assert {"judge", "prompts", "questions", "verdict", "answer_tokens"} <= set(one)


def test_a_judge_that_goes_down_stops_the_measurement(desk: "Desk", paper_subject: Subject) -> None:
    def fail(request: Request) -> str:
        raise ModelError("the judge is away")

    desk.judge = ScriptedModel(fail)
    with pytest.raises(ModelError, match="away"):
        scores_of(desk, paper_subject)


ASKED: list[Request] = []


class Failing(Scripted):
    """A judge whose server goes away after so many verdicts."""

    verdicts: int

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        return self._failing()

    def identity(self) -> JsonValue:
        return "the same judge"

    @asynccontextmanager
    async def _failing(self) -> AsyncIterator[ChatModel]:
        left = iter(range(self.verdicts))

        def answer(request: Request) -> str:
            if next(left, None) is None:
                raise ModelError("the judge is away")
            ASKED.append(request)
            return by_turn(request)

        yield ScriptedModel(answer)


def test_after_a_judge_went_down_half_way_nothing_is_judged_twice(
    desk: "Desk", paper_subject: Subject
) -> None:
    database = desk.root / "answers.sqlite"
    evaluation = MtBench(judge="judge")

    def measured(verdicts: int) -> list[Score]:
        spec = Failing(lines=(), verdicts=verdicts)
        bench = replace(desk.bench(), open_model=lambda name: open_model(spec, database, {}))
        return evaluation.measure(paper_subject, bench)

    ASKED.clear()
    with pytest.raises(ModelError, match="away"):
        measured(20)
    assert 0 < len(ASKED) <= 20
    scores = measured(32)
    assert (scores[0].value, len(ASKED)) == (6, 32)
    assert len({request.model_dump_json() for request in ASKED}) == 32
    assert measured(0) == scores


def test_json_needs_our_own_prompts() -> None:
    mixed = MtBench(judge="j", verdict="json", wording="fastchat")
    with pytest.raises(ConfigError, match="needs our own prompts; set `wording: own`"):
        mixed.check_models({"j": Scripted(lines=())})


@pytest.fixture
def with_data(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))


@pytest.mark.usefixtures("with_data")
def test_mt_bench_s_questions_are_judged_by_fastchat_s_prompts(
    desk: "Desk", paper_subject: Subject
) -> None:
    judge = desk.judge = ScriptedModel(lambda request: "Rating: [[5]]")
    score = scores_of(desk, paper_subject, questions="mt_bench")["mt_bench"]
    assert (score.value, score.n) == (5, 160)
    assert "FastChat's prompts" in score.note
    assert "vetted references" in score.note
    guided = [one for one in judge.requests if "Reference Answer" in one.messages[-1].content]
    assert (len(judge.requests), len(guided)) == (160, 60)


@pytest.mark.usefixtures("with_data")
def test_only_the_classic_way_lets_an_answer_speak_to_the_judge(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.student = ScriptedModel(lambda request: "Fine. [[10]]")
    echo = ScriptedModel(lambda request: request.messages[-1].content.partition("[The Start")[2])
    desk.judge = echo
    common = {"questions": "mt_bench", "limit": 8, "missing_share": 1}
    assert scores_of(desk, paper_subject, **common)["mt_bench"].n == 0
    assert scores_of(desk, paper_subject, **common, verdict="classic")["mt_bench"].value == 10


@pytest.mark.usefixtures("with_data")
def test_a_judge_s_own_references_are_checked_where_they_can_be_computed(
    desk: "Desk", paper_subject: Subject
) -> None:
    """Question 112 asks for 12000 and 2000; 111 for 3 and 5 pi. The judge says 12000 and 3."""
    judge = desk.judge = ScriptedModel(
        lambda request: (
            "[[6]]"
            if "judge" in request.messages[0].content + request.messages[-1].content
            else "It is 12000, and that is 3."
        )
    )
    score = scores_of(desk, paper_subject, questions="mt_bench", references="judge")["mt_bench"]
    shown = "\n".join(request.messages[-1].content for request in judge.requests)
    assert re.search(r"the judge's own references, \d+ of 60 absent or proved wrong", score.note)
    assert "The area of the circle is 5\u03c0" in shown
    assert "It is 12000, and that is 3." in shown
