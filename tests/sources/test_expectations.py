"""A source says how many rows to expect from a look at its files and its settings."""

import json
from pathlib import Path

import pytest

from openbezoar.errors import DataError
from openbezoar.ranges import exactly
from openbezoar.sources.choice import LOOK
from openbezoar.sources.dolly import DollySource
from openbezoar.sources.hh_rlhf import HhRlhfSource
from openbezoar.sources.jsonl import JsonlSource


def file_of(folder: Path, count: int) -> str:
    lines = (json.dumps({"id": str(n), "instruction": "x" * 40}) for n in range(count))
    (folder / "seeds.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "seeds.jsonl")


def test_a_short_file_is_counted_as_it_will_be_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, 20)
    assert JsonlSource(path=path).expects().rows == exactly(20)
    assert JsonlSource(path=path, limit=6, sample="random").expects().rows == exactly(6)


def test_the_length_of_its_rows_is_looked_at(tmp_path: Path) -> None:
    length = JsonlSource(path=file_of(tmp_path, 20)).expects().length
    assert length is not None
    assert length.asked.likely == 10, "forty bytes"


def test_of_a_long_file_the_limit_is_expected_and_nothing_without_one(tmp_path: Path) -> None:
    path = file_of(tmp_path, LOOK + 50)
    limited = JsonlSource(path=path, limit=540).expects().rows
    assert limited is not None
    assert (limited.likely, limited.high) == (540, 540)
    assert JsonlSource(path=path).expects().rows is None


def test_the_length_is_that_of_the_rows_which_a_limit_takes(tmp_path: Path) -> None:
    long = [json.dumps({"instruction": "x" * 400})] * (LOOK + 50)
    short = [json.dumps({"instruction": f"{n:040}"}) for n in range(3)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([*short, *long]), encoding="utf-8")
    flow = JsonlSource(path=str(path), limit=3).expects()
    assert flow.rows == exactly(3)
    assert flow.length is not None
    assert flow.length.asked.likely == 10, "forty bytes"


def test_an_empty_file_has_no_rows_whatever_its_limit(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n", encoding="utf-8")
    assert JsonlSource(path=str(tmp_path / "none.jsonl"), limit=41).expects().rows == exactly(0)


@pytest.mark.parametrize(
    ("source", "most"),
    [
        (DollySource(per_category=12), 96),
        (DollySource(per_category=12, limit=5), 5),
        (DollySource(), None),
        (HhRlhfSource(per_subset=7), 14),
        (HhRlhfSource(limit=9), 9),
    ],
)
def test_settings_bound_the_rows(source: DollySource | HhRlhfSource, most: int | None) -> None:
    assert source.most() == most


def test_a_file_that_is_not_there_is_an_error_for_the_plan_to_tell(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        JsonlSource(path=str(tmp_path / "absent.jsonl")).expects()
