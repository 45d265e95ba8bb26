"""The source stage keeps what it can use and counts the rest."""

from pathlib import Path

import pytest

from openbezoar.errors import DataError
from openbezoar.jsonl import read
from openbezoar.plan import plan
from openbezoar.recipe import load
from openbezoar.records import Rejected, Seed
from openbezoar.store import Store
from tests.stages.conftest import Run

TEXT = "name: small\nstages:\n  seeds: {kind: source, source: {kind: jsonl, path: SEEDS}}\n"
GOOD = '{"id": "a", "instruction": "Why?"}\n'


def recipe(folder: Path, lines: str) -> str:
    (folder / "seeds.jsonl").write_text(lines, encoding="utf-8")
    return TEXT.replace("SEEDS", str(folder / "seeds.jsonl"))


def test_kept_and_rejected_are_all_that_was_read(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path, GOOD + '{"id": "b", "instruction": ""}\n{"id": "c"}\n'))["seeds"]
    rejected = list(read(made.folder / "rejected.jsonl", Rejected))
    assert [row.id for row in made.rows(Seed)] == ["a"]
    assert [item.row["id"] for item in rejected] == ["b", "c"]
    assert (made.numbers["read"], made.numbers["rows"]) == (3, 1)
    assert {item.verdict.filter for item in rejected} == {"jsonl"}


def test_a_source_without_a_usable_row_fails_by_name(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"stages\.seeds: the source gave no usable row"):
        run(recipe(tmp_path, '{"id": "b"}\n'))


@pytest.mark.parametrize("line", ['{"id": "\\ud800"}', '{"id": "b", "instruction": NaN}', "[", "3"])
def test_a_line_that_cannot_be_kept_is_counted_with_its_place_and_no_other_is_lost(
    run: Run, tmp_path: Path, line: str
) -> None:
    made = run(recipe(tmp_path, f"{GOOD}{line}\n{GOOD.replace('a', 'b')}"))["seeds"]
    (lost,) = read(made.folder / "rejected.jsonl", Rejected)
    assert (lost.row["line"], str(lost.row["rejected_at"]).rpartition(":")[2]) == (line, "2")
    assert [row.id for row in made.rows(Seed)] == ["a", "b"]
    assert made.numbers["rejected"] == {lost.verdict.reason: 1}


def test_other_content_is_another_artifact(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    prints = set()
    for lines in (GOOD, GOOD + GOOD.replace("a", "b")):
        path.write_text(recipe(tmp_path, lines), encoding="utf-8")
        prints.add(plan(load(path), Store(tmp_path / "store"))[0].fingerprint)
    assert len(prints) == 2
