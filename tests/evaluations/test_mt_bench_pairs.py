"""MT-Bench in pairs on scripted models (traps P36, P37 and P40)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from openbezoar import jsonl
from openbezoar.errors import ConfigError
from openbezoar.evaluations.fastchat import PairJudgment
from openbezoar.evaluations.mt_bench_pairs import MtBenchPairs
from openbezoar.families import ChatModel, Request, Subject
from openbezoar.models.scripted import Scripted, ScriptedModel
from openbezoar.records import Score
from openbezoar.store import Artifact, Manifest

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk

ALWAYS_A = "Verdict: [[A]]"
Opens = Callable[[Path, str], AbstractAsyncContextManager[ChatModel]]


@asynccontextmanager
async def opened(model: ChatModel) -> AsyncIterator[ChatModel]:
    yield model


def scores_of(
    desk: "Desk", subject: Subject, opens: Opens | None = None, /, **settings: object
) -> dict[str, Score]:
    """Models answer with their names; `base` and `sft` are merge stages on the desk."""
    for name in ("base", "sft"):
        manifest = Manifest(
            stage=name, kind="merge", makes="model", fingerprint=name, science={}, inputs={},
            numbers={}, files={}, run={},
        )  # fmt: skip
        desk.inputs[name] = Artifact(desk.root / name, manifest)

    def open_checkpoint(path: Path, fingerprint: str) -> AbstractAsyncContextManager[ChatModel]:
        name = fingerprint.removesuffix("-print")
        alike = "the same" if settings.get("limit") == 2 else f"I am {name}."
        return opened(ScriptedModel(lambda request: alike))

    part = MtBenchPairs.model_validate({"judge": "judge", "against": ["base"], **settings})
    bench = replace(desk.bench(), open_checkpoint=opens or open_checkpoint)
    return {score.name: score for score in part.measure(subject, bench)}


def prefers_paper(request: Request) -> str:
    """The seat of the model under evaluation, whichever it is."""
    asked = request.messages[0].content
    first, second = asked.find("I am paper."), asked.find("I am base.")
    return "Verdict: [[A]]" if first < second else "Verdict: [[B]]"


def test_both_orders_are_judged_and_the_better_model_wins(
    desk: "Desk", paper_subject: Subject
) -> None:
    judge = desk.judge = ScriptedModel(prefers_paper)
    scores = scores_of(desk, paper_subject)
    rate = scores["mt_bench_pairs.base"]
    assert (rate.value, rate.n, rate.missing) == (1, 32, 0)
    assert scores["mt_bench_pairs.base.flips"].value == 0
    assert scores["mt_bench_pairs.base.first_seat"].value == 0.5
    assert len(judge.requests) == 64


def test_a_judge_who_always_says_a_shows_nothing(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(lambda request: ALWAYS_A)
    scores = scores_of(desk, paper_subject)
    assert scores["mt_bench_pairs.base"].value == 0.5
    assert scores["mt_bench_pairs.base.flips"].value == 1
    assert scores["mt_bench_pairs.base.first_seat"].value == 1


def test_an_unreadable_verdict_is_asked_for_again_and_then_missing(
    desk: "Desk", paper_subject: Subject
) -> None:
    judge = desk.judge = ScriptedModel(lambda request: "Both are fine.")
    rate = scores_of(desk, paper_subject, limit=1)["mt_bench_pairs.base"]
    assert (rate.value, rate.n, rate.missing) == (None, 0, 2)
    assert len(judge.requests) == 8
    [item, _] = desk.notes("items.jsonl")
    assert (item["outcome"], item["reason"]) == (None, "no verdict")


def test_answers_alike_to_the_letter_tie_and_cost_nothing(
    desk: "Desk", paper_subject: Subject
) -> None:
    judge = desk.judge = ScriptedModel(lambda request: ALWAYS_A)
    rate = scores_of(desk, paper_subject, limit=2)["mt_bench_pairs.base"]
    assert (rate.value, rate.n, judge.requests) == (0.5, 4, [])


def answer_file(desk: "Desk", text: str, name: str = "gpt-3.5-turbo") -> str:
    path = desk.root / f"{name}.jsonl"
    lines = [
        json.dumps({"question_id": n, "choices": [{"index": 0, "turns": [text, text]}]})
        for n in range(1, 17)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_published_answers_can_be_the_baseline(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(lambda request: ALWAYS_A)
    file = answer_file(desk, "A published answer.")
    scores = scores_of(desk, paper_subject, against=[], answers=[file])
    assert scores["mt_bench_pairs.gpt-3.5-turbo"].n == 32


def test_an_error_on_file_is_never_judged(desk: "Desk", paper_subject: Subject) -> None:
    judge = desk.judge = ScriptedModel(lambda request: ALWAYS_A)
    file = answer_file(desk, "$ERROR$")
    rate = scores_of(desk, paper_subject, against=[], answers=[file], limit=1)
    found = rate["mt_bench_pairs.gpt-3.5-turbo"]
    assert (found.value, found.missing, judge.requests) == (None, 2, [])


def test_all_pairs_are_compared_where_asked(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(lambda request: ALWAYS_A)
    many = scores_of(desk, paper_subject, against=["base", "sft"], pairs="all", limit=4)
    rates = [name for name in many if name.count(".") == 1]
    assert rates == [
        "mt_bench_pairs.base", "mt_bench_pairs.sft", "mt_bench_pairs.base_over_sft",
    ]  # fmt: skip
    few = scores_of(desk, paper_subject, against=["base", "sft"], limit=4)
    assert [name for name in few if name.count(".") == 1] == rates[:2]


def test_two_judges_are_compared(desk: "Desk", paper_subject: Subject) -> None:
    desk.specs["other"] = Scripted(lines=())
    replies = iter([*["[[A]]", "[[B]]"] * 8, *["[[A]]", "[[A]]"] * 8])
    desk.judge = ScriptedModel(lambda request: next(replies))
    settings = {"second_judge": "other", "limit": 4, "runtime": {"concurrency": 1}}
    scores = scores_of(desk, paper_subject, **settings)
    assert scores["mt_bench_pairs.base"].value == 1
    assert scores["mt_bench_pairs.base.judges_kappa"].n == 8


def test_judgments_are_left_in_fastchat_s_files(desk: "Desk", paper_subject: Subject) -> None:
    desk.judge = ScriptedModel(prefers_paper)
    scores_of(desk, paper_subject, limit=1)
    folder = desk.root / "made" / "fastchat" / "sample_questions" / "model_judgment"
    first, _ = jsonl.read(folder / "scripted_pair.jsonl", PairJudgment)
    assert (first.model_1, first.model_2) == ("paper", "base")
    assert (first.g1_winner, first.g2_winner) == ("model_1", "model_1")
    assert first.g1_user_prompt != first.g2_user_prompt


def test_the_number_of_verdicts_at_work_changes_nothing(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.judge = ScriptedModel(prefers_paper)
    one = scores_of(desk, paper_subject, runtime={"concurrency": 1})
    many = scores_of(desk, paper_subject, runtime={"concurrency": 64})
    notes = desk.notes("items.jsonl")
    assert one == many
    assert notes[:32] == notes[32:]


@pytest.mark.parametrize("models", [1, 3])
def test_so_many_models_answer_at_a_time(desk: "Desk", paper_subject: Subject, models: int) -> None:
    """Each model waits, a few rounds of the loop, for all that may answer beside it."""
    open_now: list[str] = []
    most = 0

    @asynccontextmanager
    async def counted(path: Path, fingerprint: str) -> AsyncIterator[ChatModel]:
        nonlocal most
        open_now.append(fingerprint)
        for _ in range(20):
            await asyncio.sleep(0)
        most = max(most, len(open_now))
        yield ScriptedModel(lambda request: f"I am {fingerprint}.")
        open_now.remove(fingerprint)

    settings = {"against": ["base", "sft"], "limit": 1, "runtime": {"models": models}}
    scores = scores_of(desk, paper_subject, counted, **settings)
    assert most == models
    assert [name for name in scores if name.count(".") == 1] == [
        "mt_bench_pairs.base", "mt_bench_pairs.sft"
    ]  # fmt: skip


def test_a_model_is_not_compared_with_itself(desk: "Desk") -> None:
    subject = Subject("base", Path("nowhere"), "base-print")
    with pytest.raises(ConfigError, match="'base' cannot be compared with itself"):
        scores_of(desk, subject)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"against": []}, "name models in `against`"),
        ({"against": ["m"], "answers": ["here/m.jsonl"]}, "have one name: m, m"),
    ],
)
def test_models_to_compare_with_are_needed_and_have_names_of_their_own(
    settings: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        MtBenchPairs.model_validate({"judge": "j", **settings})


def test_it_reads_its_models_and_its_files(tmp_path: Path) -> None:
    part = MtBenchPairs(judge="j", against=("base",), answers=(str(tmp_path / "m.jsonl"),))
    assert (part.reads(), part.uses()) == (("base",), ("j",))
    part.check_reads({"base": "model"})
    with pytest.raises(ConfigError, match="needs checkpoint or model"):
        part.check_reads({"base": "examples"})
    before = part.evidence()
    (tmp_path / "m.jsonl").write_text("{}", encoding="utf-8")
    assert part.evidence() != before
    assert part.benchmarks().keys() == {"sample_questions"}
    assert len(list(part.items())) == 16


def test_files_are_looked_for_beside_the_recipe_too(desk: "Desk") -> None:
    answer_file(desk, "Yes.", "m")
    settings = {"judge": "j", "answers": ["m.jsonl"]}
    beside = MtBenchPairs.model_validate(settings, context={"folder": desk.root})
    assert beside.evidence() != MtBenchPairs.model_validate(settings).evidence()
