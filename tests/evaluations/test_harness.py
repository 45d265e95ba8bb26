"""The harness on the tiny checkpoint, against lm-eval called as anyone would."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.lm_harness import HarnessRuntime, TaskRun, quiet
from openbezoar.evaluations.suites import SUITES
from openbezoar.evaluations.task_files import TASKS
from openbezoar.families import Subject
from openbezoar.records import Score
from openbezoar.training.format import Format

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk

SETTINGS = {"precision": "float32", "runtime": HarnessRuntime(device="cpu")}


def measured(desk: "Desk", subject: Subject, **settings: Any) -> dict[str, Score]:
    evaluation = Harness.model_validate({**SETTINGS, **settings})
    return {score.name: score for score in evaluation.measure(subject, desk.bench())}


@pytest.mark.slow
@pytest.mark.parametrize(("task", "shots"), [("piqa", 0), ("hellaswag", 2), ("winogrande", 0)])
def test_our_numbers_are_lm_eval_s(
    desk: "Desk",
    subject: Subject,
    data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    shots: int,
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    rows = data_folder / "lm_eval" / f"{task}.validation.jsonl.gz"
    theirs = _by_lm_eval(subject.path, task, rows, shots, desk.root)
    ours = measured(desk, subject, tasks=[task], shots=shots, limit=12)
    assert ours
    for score in ours.values():
        metric = score.name.removeprefix(f"{task}.")
        assert score.value == theirs[f"{metric},none"]
        assert score.standard_error == theirs[f"{metric}_stderr,none"]
        assert score.n == theirs["sample_len"] == 12


@pytest.mark.parametrize("written", ["on", "off", "both", "'on'", "'off'"])
def test_the_template_s_setting_needs_no_quotes_in_yaml(written: str) -> None:
    given = yaml.safe_load(f"{{data: sample, chat_template: {written}}}")
    assert Harness.model_validate(given).chat_template == written.strip("'")


@pytest.mark.parametrize("name", ["arc_easy", "mmlu_stem", "lambada_openai"])
def test_tasks_that_are_known_pass_at_once(name: str) -> None:
    assert Harness(tasks=(name,)).tasks == (name,)


def test_a_misspelt_task_is_refused_with_its_settings() -> None:
    with pytest.raises(ValidationError, match=r"lm-eval has no task 'arc_esy'; .*arc_easy"):
        Harness(tasks=("arc_esy",))


def test_without_lm_eval_no_name_is_refused_and_no_run_begins() -> None:
    script = (
        "import sys; sys.modules['lm_eval'] = None\n"
        "from openbezoar.errors import MissingExtra\n"
        "from openbezoar.evaluations.harness import Harness\n"
        "part = Harness(tasks=('somebody_elses',))\n"
        "try: part.check_ready()\n"
        "except MissingExtra as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "pip install 'openbezoar[eval]'" in ran.stdout


@pytest.mark.slow
def test_our_own_rows_need_no_data_folder(
    desk: "Desk", subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    scores = measured(desk, subject, data="sample", chat_template="both")
    assert scores["sample_choices.acc"].n == 60
    assert "60 rows of our own, shows that the plumbing works" in scores["sample_choices.acc"].note
    assert list(scores) == [
        "sample_choices.acc",
        "sample_choices.acc.chat",
        "sample_choices.acc_norm",
        "sample_choices.acc_norm.chat",
    ], "either way of asking stands beside the other"
    assert not any("first" in flag for flag in scores["sample_choices.acc"].flags)


@pytest.mark.slow
def test_a_limit_stands_beside_the_score_and_the_shots_in_its_note(
    desk: "Desk", subject: Subject
) -> None:
    score = measured(desk, subject, data="sample", limit=4, shots=3)["sample_choices.acc"]
    assert score.n == 4
    assert "3-shot" in score.note
    assert "shots from the same rows, never the one asked" in score.note
    assert "first 4 rows" in score.flags
    assert "transformers, float32, softmax_dtype=float32, lm-eval 0.4" in score.note


@pytest.mark.slow
def test_items_hold_every_row_and_the_transcript_one_prompt(
    desk: "Desk", subject: Subject, capfd: pytest.CaptureFixture[str]
) -> None:
    score = measured(desk, subject, data="sample", limit=4, chat_template="on")[
        "sample_choices.acc.chat"
    ]
    items = desk.notes("items.jsonl")
    right = sum(item["metrics"]["acc"] for item in items)  # type: ignore[index]
    [transcript] = desk.notes("transcripts.jsonl")
    assert [item["id"] for item in items] == [f"sample_choices.{place}" for place in range(4)]
    assert score.value == right / 4
    assert "### Instruction:" in str(transcript["asked"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_likelihoods_in_bfloat16_are_not_rounded_to_eighths(desk: "Desk", subject: Subject) -> None:
    measured(desk, subject, data="sample", limit=2, precision="bfloat16")
    sums = [answer[0] for item in desk.notes("items.jsonl") for answer in item["answers"]]  # type: ignore[attr-defined]
    assert any(value * 8 % 1 for value in sums)


@pytest.mark.slow
def test_a_group_is_one_score_for_each_group_not_for_each_subject(
    desk: "Desk", subject: Subject, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    scores = measured(desk, subject, tasks=["mmlu_stem"], shots=1, limit=1)
    assert list(scores) == ["mmlu_stem.acc"]
    assert scores["mmlu_stem.acc"].n == len(desk.notes("items.jsonl")) == 19
    assert "1-shot" in scores["mmlu_stem.acc"].note
    assert "first row of each part" in scores["mmlu_stem.acc"].flags


def test_a_suite_brings_its_tasks_and_shots() -> None:
    runs = Harness(suite="leaderboard_v1").runs()
    assert TaskRun("arc_challenge", 25, chat=False) in runs
    assert TaskRun("truthfulqa_mc2", 0, chat=False) in runs
    assert len(runs) == 6


def test_the_paper_s_suite_has_ten_tasks_that_run_offline() -> None:
    assert len(SUITES["paper"].tasks) == 10
    assert SUITES["paper"].tasks.keys() <= TASKS.keys()


def test_tasks_listed_by_hand_stand_beside_a_suite_with_shots_of_their_own() -> None:
    runs = Harness(suite="leaderboard_v1", tasks=("piqa", "winogrande"), shots=2).runs()
    assert len(runs) == 7
    assert runs[-1] == TaskRun("piqa", 2, chat=False)
    assert TaskRun("winogrande", 2, chat=False) in runs


def test_shots_of_the_recipe_hold_for_tasks_named_alone() -> None:
    runs = Harness(tasks=("piqa",), shots=3, chat_template="both").runs()
    assert runs == [TaskRun("piqa", 3, chat=False), TaskRun("piqa", 3, chat=True)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "name tasks"),
        ({"data": "sample", "tasks": ["piqa"]}, "leave tasks and suite out"),
        ({"data": "sample", "suite": "paper"}, "leave tasks and suite out"),
        ({"suite": "paper", "shots": 5}, "a suite has its own shots"),
        ({"tasks": ["paper"]}, "paper is a suite; say suite: paper"),
        ({"suite": "open_llm"}, "'paper' or 'leaderboard_v1'"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Harness.model_validate(settings)


@pytest.mark.slow
def test_only_scores_through_a_template_name_it(desk: "Desk", subject: Subject) -> None:
    scores = measured(desk, subject, data="sample", limit=2, chat_template="both")
    plain, chat = scores["sample_choices.acc"], scores["sample_choices.acc.chat"]
    carried = Format.load(subject.path).tokenizer.chat_template
    assert plain.settings["template"] is None
    assert chat.settings["template"] == hashlib.sha256(carried.encode()).hexdigest()[:16]
    lent = replace(subject, lent_template=True)
    again = measured(desk, lent, data="sample", limit=2, chat_template="both")
    flag = "in the OpenBezoar template, as the checkpoint has none"
    assert [name for name, score in again.items() if flag in score.flags] == [
        "sample_choices.acc.chat",
        "sample_choices.acc_norm.chat",
    ]


def test_a_checkpoint_without_a_template_cannot_be_asked_through_one(
    desk: "Desk", subject: Subject, tmp_path: Path
) -> None:
    folder = shutil.copytree(subject.path, tmp_path / "bare")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match=r"tiny: has no chat template .* set chat_template: off"):
        measured(desk, replace(subject, path=folder), data="sample", chat_template="on")


def _by_lm_eval(
    checkpoint: Path, task: str, rows: Path, shots: int, folder: Path
) -> dict[str, Any]:
    """lm-eval's own loading of model and task, with a task file written by hand."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    theirs = Path(lm_eval.__file__).parent / "tasks" / TASKS[task].config
    config = {
        "include": str(theirs), "dataset_path": "json", "dataset_name": None,
        "dataset_kwargs": {"data_files": {"validation": str(rows)}, "cache_dir": str(folder)},
        "training_split": None, "test_split": None,
    }  # fmt: skip
    (folder / "theirs").mkdir()
    (folder / "theirs" / "task.yaml").write_text(yaml.safe_dump(config))
    with quiet(folder / "log.txt"):
        results = lm_eval.simple_evaluate(
            model="hf",
            model_args={"pretrained": str(checkpoint), "dtype": "float32"},
            tasks=[task],
            num_fewshot=shots,
            batch_size=8,
            device="cpu",
            limit=12,
            task_manager=TaskManager(include_path=str(folder / "theirs"), include_defaults=False),
        )
    found: dict[str, Any] = results["results"][task]
    return found
