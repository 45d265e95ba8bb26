"""Records beside the scores."""

import json
import math
from pathlib import Path

from openbezoar import jsonl
from openbezoar.evaluations import journal


def test_the_evaluations_of_a_stage_share_the_file(tmp_path: Path) -> None:
    journal.append(tmp_path / "items.jsonl", [{"id": "a"}])
    journal.append(tmp_path / "items.jsonl", [{"id": "ü"}])
    lines = (tmp_path / "items.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "ü"]


def test_numbers_of_other_libraries_become_plain(tmp_path: Path) -> None:
    import numpy

    journal.append(tmp_path / "items.jsonl", [{"acc": numpy.float32(0.5), "path": tmp_path}])
    record = json.loads((tmp_path / "items.jsonl").read_text(encoding="utf-8"))
    assert record == {"acc": 0.5, "path": str(tmp_path)}


def test_numbers_that_json_cannot_hold_are_null(tmp_path: Path) -> None:
    """The answers of a broken model are noted, and the file can still be read."""
    journal.append(tmp_path / "items.jsonl", [{"sums": [-math.inf, math.nan], "task": "ü"}])
    [(_, record)] = jsonl.read_objects(tmp_path / "items.jsonl")
    assert record == {"sums": [None, None], "task": "ü"}
