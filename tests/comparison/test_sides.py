"""Where the sides of a comparison come from."""

import json
from pathlib import Path

import pytest

from openbezoar.comparison.comparing import compare
from openbezoar.comparison.sides import side_of
from openbezoar.errors import DataError, StoreError
from openbezoar.store import Manifest, Store
from tests.comparison.conftest import Put, harness, score


def test_a_stage_is_read_with_its_scores_and_items(store: Store, put: Put) -> None:
    put("a", [score("piqa.acc", 1.0)], harness([1.0]), model="sft")
    side = side_of("a", store)
    assert (side.title, side.scores["piqa.acc"].value) == ("a (sft)", 1.0)
    assert list(side.cells) == ["piqa.acc"]


def test_a_stage_that_is_absent_or_no_evaluation_is_refused(store: Store, put: Put) -> None:
    put("eval_dpo", [], [])
    with pytest.raises(StoreError, match="did you mean 'eval_dpo'"):
        side_of("eval_dpp", store)
    manifest = Manifest(
        stage="dpo", kind="merge", makes="model", fingerprint="d" * 64, science={}, inputs={},
        numbers={}, files={}, run={},
    )  # fmt: skip
    store.commit(store.begin("dpo", "d" * 64), manifest)
    with pytest.raises(DataError, match="stage 'dpo' makes model; name an evaluate stage"):
        side_of("dpo", store)


def test_published_judgments_are_a_side(data_folder: Path, store: Store) -> None:
    folder = data_folder / "mt_bench" / "model_judgment" / "gpt-4_single"
    names = ["llama2_7b", "claude-3-5-sonnet-20240620"]
    a, b = (side_of(str(folder / f"{name}.jsonl.gz"), store) for name in names)
    [found] = compare(a, b).comparisons
    assert (found.metric, found.rows, found.verdict) == ("mt_bench", 80, "B is better")
    assert b.model == names[1]


def test_of_a_file_with_several_models_one_is_named(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "both.jsonl"
    line = {"question_id": 81, "judge": ["gpt-4", "single-v1"], "turn": 1}
    rows = [{**line, "model": "x", "score": 8}, {**line, "model": "y", "score": -1}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(DataError, match=r"name one of its models: .*both\.jsonl:MODEL \(x, y\)"):
        side_of(str(path), store)
    assert side_of(f"{path}:x", store).scores["mt_bench"].value == 8
    assert side_of(f"{path}:y", store).scores["mt_bench"].missing == 1
    with pytest.raises(DataError, match="no such file"):
        side_of(str(tmp_path / "absent.jsonl"), store)


def test_a_file_with_one_model_needs_no_name_and_takes_no_other(
    tmp_path: Path, store: Store
) -> None:
    path = tmp_path / "one.jsonl"
    line = {"question_id": 81, "judge": ["gpt-4", "single-v1"], "turn": 1, "model": "x", "score": 8}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert side_of(str(path), store).model == side_of(f"{path}:x", store).model == "x"
    with pytest.raises(DataError, match=r"name one of its models: .*one\.jsonl:MODEL \(x\)"):
        side_of(f"{path}:y", store)
