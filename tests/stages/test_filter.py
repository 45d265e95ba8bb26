"""The filter stage keeps or rejects every row, in the order of its filters."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError
from openbezoar.jsonl import read
from openbezoar.records import Example, Rejected, Seed
from tests.stages.conftest import Run, content

HEAD = """\
name: small
models:
  judge: {kind: scripted, lines: [{reply: "no verdict"}]}
stages:
  rows: {kind: source, source: {kind: jsonl, path: ROWS, rows_of: examples}}
  kept:
    kind: filter
    rows: rows
    filters:
      - {kind: length, answer: {least_words: 2}}
      - {kind: duplicates, of: instruction}
"""
MARKING = """\
    filters:
      - {kind: contamination, benchmarks: [{kind: harness, data: sample}], flagged: keep}
"""
ANSWERS = [("One thing?", "Yes."), ("One thing?", "Yes, it is."), ("Other?", "It may be so.")]


def recipe(folder: Path, answers: list[tuple[str, str]] = ANSWERS) -> str:
    path = folder / "rows.jsonl"
    lines = [
        {"id": str(place), "messages": [{"role": "user", "content": asked},
                                        {"role": "assistant", "content": said}]}
        for place, (asked, said) in enumerate(answers)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return HEAD.replace("ROWS", str(path))


def test_kept_and_rejected_are_all_that_was_read(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path))["kept"]
    rejected = list(read(made.folder / "rejected.jsonl", Rejected))
    kept = [row.id for row in made.rows(Example)]
    assert sorted(kept + [str(row.row["id"]) for row in rejected]) == ["0", "1", "2"]
    assert made.numbers["read"] == len(kept) + len(rejected)
    counts: Any = made.numbers["rejected"]
    assert sum(counts.values()) == len(rejected)
    assert all(reason.startswith("length: ") for reason in counts)
    assert made.numbers["filters"] == [
        {"filter": "length", "read": 3, "kept": 2},
        {"filter": "duplicates", "read": 2, "kept": 2},
    ]


def test_later_filters_never_see_what_earlier_ones_dropped(run: Run, tmp_path: Path) -> None:
    kept = run(recipe(tmp_path))["kept"]
    assert [row.id for row in kept.rows(Example)] == ["1", "2"], "row 0 made no duplicate of row 1"


def test_a_rejected_row_is_kept_whole_beside_its_reason(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path))
    (rejected,) = read(made["kept"].folder / "rejected.jsonl", Rejected)
    assert Example.model_validate(rejected.row) == next(made["rows"].rows(Example))
    assert rejected.verdict.filter == "length"


def test_one_at_a_time_gives_the_bytes_of_many(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path, [(f"Question {place % 7}?", "a " * (place % 3)) for place in range(30)])
    many = run(text, "stages.kept.runtime.concurrency=16", store="many")["kept"]
    one = run(text, "stages.kept.runtime.concurrency=1", store="one")["kept"]
    assert content(one) == content(many)


def test_a_row_kept_for_a_reason_carries_the_verdict_whatever_its_kind(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "seeds.jsonl"
    asked = "What happens to a muscle when it does work?"
    path.write_text(json.dumps({"id": "a", "instruction": asked}) + "\n", encoding="utf-8")
    head = HEAD.replace("ROWS, rows_of: examples", str(path)).split("    filters:")[0]
    (row,) = run(head + MARKING)["kept"].rows(Seed)
    verdict: Any = row.details["contamination_verdict"]
    assert (verdict["keep"], verdict["details"]["task"]) == (True, "sample_choices")


def test_filters_that_reject_everything_fail_by_name(run: Run, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"stage kept: the filters rejected all they read \(1 row\).*length"
    ):
        run(recipe(tmp_path, [("Why?", "Because.")]))


def test_a_judge_by_likelihood_needs_a_model_that_scores(run: Run, tmp_path: Path) -> None:
    judged = "      - {kind: judged, judge: {kind: likelihood, model: judge}}\n"
    with pytest.raises(ConfigError, match=r"stages\.kept: .*log-probabilities.*'judge'"):
        run(recipe(tmp_path) + judged)
