"""Rows are found by their ids alone, and what is alike comes first among the suggestions."""

from pathlib import Path

import pytest

from openbezoar import jsonl
from openbezoar.lookup import find, nearest, with_name_in
from openbezoar.records import Rejected, Seed, Verdict


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    seeds = [
        Seed(id=f"seed-{n}", parents=(f"page-{n % 3}",), instruction="seed-7") for n in range(20)
    ]
    jsonl.write(tmp_path / "rows.jsonl", seeds)
    return tmp_path / "rows.jsonl"


def test_rows_are_found_in_the_order_of_the_file(rows: Path) -> None:
    assert [row["id"] for row in find(rows, ["seed-7", "seed-3", "seed-99"])] == [
        "seed-3",
        "seed-7",
    ]


def test_nothing_is_read_behind_the_last_row_looked_for(rows: Path) -> None:
    with rows.open("a", encoding="utf-8") as file:
        file.write('{"id":"seed-1",broken\n')
    assert [row["id"] for row in find(rows, ["seed-1"])] == ["seed-1"]


def test_a_rejected_row_is_found_inside_its_verdict(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    verdict = Verdict(filter="length", keep=False, reason="too long")
    jsonl.write(path, [Rejected(verdict=verdict, row={"id": "a", "text": "x"})])
    (found,) = find(path, ["a"], b'"row":{"id":')
    assert found["verdict"]["reason"] == "too long"
    assert not list(find(path, ["x"], b'"row":{"id":'))


def test_rows_are_found_by_a_parent(rows: Path) -> None:
    assert [row["id"] for row in with_name_in(rows, "parents", "page-0")][:2] == [
        "seed-0",
        "seed-3",
    ]
    assert not list(with_name_in(rows, "parents", "seed-7"))


@pytest.mark.parametrize(
    ("name", "first"), [("seed-77", "seed-7"), ("sed-12", "seed-12"), ("eed-5", "seed-5")]
)
def test_the_likest_id_comes_first(rows: Path, name: str, first: str) -> None:
    assert nearest(name, [rows])[0] == first


def test_a_name_like_none_has_no_suggestion(rows: Path, tmp_path: Path) -> None:
    assert nearest("quite another", [rows, tmp_path / "absent.jsonl"]) == []
