"""lm-eval's tasks on local rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.evaluations.hub_tasks import manager_of
from openbezoar.evaluations.lm_harness import quiet
from openbezoar.evaluations.local_tasks import prepare
from openbezoar.evaluations.task_files import SAMPLE, TASKS


@pytest.fixture
def with_data(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))


@pytest.fixture
def without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "none"))


@pytest.mark.parametrize("task", ["arc_easy", "mmlu", "mmlu_anatomy", "sciq", "no_such_task"])
@pytest.mark.usefixtures("without_data")
def test_a_task_without_rows_on_this_machine_is_left_to_lm_eval(task: str, tmp_path: Path) -> None:
    assert prepare(task, tmp_path) is None


@pytest.mark.slow
@pytest.mark.usefixtures("with_data")
@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_local_task_asks_a_question_whose_answer_is_among_its_choices(
    name: str, tmp_path: Path
) -> None:
    _, task = loaded(name, tmp_path)
    row = task.eval_docs[0]
    target = task.doc_to_target(row)
    assert task.fewshot_context(row, 0)
    if task.config.doc_to_choice is not None and isinstance(target, int):
        assert 0 <= target < len(task.doc_to_choice(row))


@pytest.mark.slow
@pytest.mark.usefixtures("with_data")
def test_arc_is_measured_on_the_test_split_with_examples_from_validation(tmp_path: Path) -> None:
    rows, task = loaded("arc_easy", tmp_path)
    assert rows == "test rows of arc_easy.test.jsonl.gz"
    assert len(task.eval_docs) == 2376
    assert len(task.fewshot_docs()) == 570


@pytest.mark.slow
@pytest.mark.usefixtures("with_data")
@pytest.mark.parametrize(("name", "field"), [(SAMPLE, "question"), ("copa", "premise")])
def test_a_question_is_never_among_its_own_examples(name: str, field: str, tmp_path: Path) -> None:
    """With all rows but one as examples, the row asked is the one that is left out."""
    _, task = loaded(name, tmp_path)
    rows = task.eval_docs
    for row in list(rows)[:5]:
        asked = task.fewshot_context(row, len(rows) - 1)
        assert asked.count(row[field].rstrip(".")) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("with_data")
def test_mmlu_has_its_57_subjects_with_examples_from_dev(tmp_path: Path) -> None:
    with quiet(tmp_path / "log.txt"):
        place = prepare("mmlu", tmp_path / "task")
        assert place is not None
        tasks = manager_of(place.folders).load(["mmlu_stem"])["tasks"]
    assert len(list((tmp_path / "task").glob("mmlu_*.yaml"))) == 57
    assert len(tasks) == 19
    assert {len(task.fewshot_docs()) for task in tasks.values()} == {5}


def test_the_rows_shipped_with_the_package_become_a_task(tmp_path: Path) -> None:
    place = prepare(SAMPLE, tmp_path)
    rows = (tmp_path / "rows" / f"{SAMPLE}.test.jsonl").read_text(encoding="utf-8").splitlines()
    assert place is not None
    assert "60 rows of our own" in place.rows
    assert len(rows) == 60
    assert set(json.loads(rows[0])) == {"question", "choices", "answerKey"}


def loaded(name: str, folder: Path) -> tuple[str, Any]:
    """The task as lm-eval loads it, and where its rows come from."""
    with quiet(folder / "log.txt"):
        place = prepare(name, folder / "task")
        assert place is not None
        task = manager_of(place.folders).load([name])["tasks"][name]
        task.set_fewshot_seed(1234)
    return place.rows, task
