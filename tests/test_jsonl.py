"""Whatever text a row holds, it comes back as it was; a broken line is named."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import example as also
from hypothesis import given
from hypothesis import strategies as some

from openbezoar import jsonl
from openbezoar.errors import DataError
from openbezoar.records import Seed

TEXT = some.text(some.characters(exclude_categories=["Cs"]), min_size=1)
DETAIL = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXT,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SEEDS = some.builds(
    Seed,
    id=TEXT,
    instruction=TEXT,
    context=TEXT,
    target=some.none() | TEXT,
    details=some.dictionaries(TEXT, DETAIL, max_size=3),
    parents=some.tuples(TEXT),
)
HOSTILE = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x00h\r\ni\ufeffj\U0001f600"
GOOD = '{"id": "a", "instruction": "x"}'


@given(some.lists(SEEDS, max_size=4))
@also([Seed(id="a", instruction=HOSTILE), Seed(id=HOSTILE, instruction="x")])
def test_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[Seed]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    assert jsonl.write(path, seeds) == len(seeds)
    assert list(jsonl.read(path, Seed)) == seeds
    assert [row["id"] for _, row in jsonl.read_objects(path)] == [seed.id for seed in seeds]


def test_a_gzipped_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(f"{GOOD}\n".encode()))
    assert [seed.id for seed in jsonl.read(path, Seed)] == ["a"]


def test_blank_lines_are_passed_over_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"\n{GOOD}\n  \n{GOOD}\n", encoding="utf-8")
    assert [number for number, _ in jsonl.read_objects(path)] == [2, 4]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"id": "a"', "not JSON"),
        ('{"id": "a"}', "field instruction is missing"),
        ('{"id": "a", "instruction": 3}', "field instruction is not a text"),
        ('{"id": "a", "instruction": "x", "colour": 1}', "field colour is unknown"),
        ('{"id": "a", "instruction": "x", "details": {"score": NaN}}', "not JSON"),
        ('{"id": "a", "instruction": "x", "details": {"score": Infinity}}', "not JSON"),
        ('{"id": "a", "instruction": "x", "details": {"score": 1e999}}', "details"),
        ('{"id": "a", "instruction": "\\ud800"}', "not JSON"),
        ("[]", ""),
        ('"text"', ""),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.jsonl:2: ") as caught:
        list(jsonl.read(path, Seed))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "line", ["[]", "3", "NaN", '{"a": NaN}', '{"a": "\\udc00"}', "{", '{"a":' * 2000]
)
def test_an_object_that_could_not_be_written_again_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.jsonl:2: "):
        list(jsonl.read_objects(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b"\xff\xfe{}\n"),
        ("rows.jsonl.gz", b"not gzip"),
        ("rows.jsonl.gz", gzip.compress(GOOD.encode())[:-9]),
        ("rows.jsonl.gz", gzip.compress(GOOD.encode())[:12] + b"\xff" * 40),
    ],
    ids=["no UTF-8", "no gzip", "cut off", "broken inside"],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"rows\.jsonl.*: cannot be read as text"):
        list(jsonl.read_objects(tmp_path / name))


def test_a_bad_line_takes_no_other_line_with_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    bad = [b"{oops", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[1]", b'{"a": "\xff"}', b'{"a":' * 2000]
    path.write_bytes(b"\n".join([*bad, GOOD.encode(), b""]))
    found = list(jsonl.read_each(path))
    reasons = [one.reason for _, one in found if isinstance(one, jsonl.BadLine)]
    assert reasons == [*["not JSON"] * 3, "not a JSON object", "not UTF-8", "not JSON"]
    assert found[-1] == (7, {"id": "a", "instruction": "x"})


@given(some.lists(some.binary().filter(lambda line: b"\n" not in line)))
def test_every_line_is_an_object_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, content: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_bytes(b"\n".join([b"{}", *content]))
    assert all(isinstance(found, dict) or found.reason for _, found in jsonl.read_each(path))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_the_mark_before_the_first_line_is_no_part_of_it(tmp_path: Path, name: str) -> None:
    content = f"\ufeff{GOOD}\n".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert [seed.id for seed in jsonl.read(path, Seed)] == ["a"]
    assert [row["id"] for _, row in jsonl.read_objects(path)] == ["a"]


def test_a_broken_archive_is_no_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode())[:-9])
    with pytest.raises(DataError, match=r"rows\.jsonl\.gz:1: cannot be read"):
        list(jsonl.read_each(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl: no such file"):
        list(jsonl.read(tmp_path / "rows.jsonl", Seed))


def test_rows_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\nbroken\n", encoding="utf-8")
    assert next(jsonl.read(path, Seed)).id == "a"


def test_every_line_is_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    jsonl.write(path, [Seed(id="a", instruction=HOSTILE)])
    content = path.read_text(encoding="utf-8")
    assert content.count("\n") == 1
    assert json.loads(content)["instruction"] == HOSTILE
