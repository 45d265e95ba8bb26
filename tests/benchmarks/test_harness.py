"""The harness benchmark tells equal scores from scores that differ."""

from pathlib import Path

import pytest
import yaml

from benchmarks.harness import beside, task_file


def test_scores_are_equal_to_the_last_bit_or_not_at_all() -> None:
    found = beside({"a": 0.3, "b": 0.5, "c": 1.0}, {"a": 0.1 + 0.2, "b": 0.5, "d": 1.0})
    assert {name: score["equal"] for name, score in found.items()} == {
        "a": False,
        "b": True,
        "c": False,
        "d": False,
    }


def test_the_command_reads_the_rows_as_they_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path))
    file = yaml.safe_load(yaml.safe_dump(task_file("piqa", tmp_path)))
    rows = tmp_path / "lm_eval" / "piqa.validation.jsonl.gz"
    assert file["dataset_kwargs"]["data_files"] == {"validation": str(rows)}
    assert Path(file["include"]).is_file()
