"""Rows of a local file, translated, checked and rejected with their line."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar import files
from openbezoar.errors import DataError
from openbezoar.sources.jsonl import JsonlSource

Lines = Callable[[Iterable[object]], Path]
Sort = Callable[[JsonlSource], tuple[list[Any], list[Any]]]

PAIR = {"prompt": "Add 1 and 1.", "chosen": "2", "rejected": "3"}


def source(path: Path, **settings: Any) -> JsonlSource:
    return JsonlSource.model_validate({"kind": "jsonl", "path": str(path), **settings})


def test_fields_are_translated_and_others_become_details(lines: Lines, sort: Sort) -> None:
    path = lines([{"question": "Why?", "body": "text", "level": 3}])
    fields = {"instruction": "question", "context": "body"}
    (seed,), rejected = sort(source(path, fields=fields, licences=["MIT"]))
    assert (seed.instruction, seed.context, seed.details) == ("Why?", "text", {"level": 3})
    assert (seed.licences, rejected) == (("MIT",), [])


def test_examples_are_read_from_messages_or_from_an_instruction_and_an_answer(
    lines: Lines, sort: Sort
) -> None:
    turns = [{"role": "user", "content": "Hi\n\nthere"}, {"role": "assistant", "content": "Yes"}]
    path = lines(
        [
            {"messages": turns},
            {"instruction": "Hi", "context": "there", "answer": "Yes", "system": "Be brief."},
        ]
    )
    (first, second), _ = sort(source(path, rows="examples"))
    assert first.messages == second.messages[1:]
    assert second.system == "Be brief."


def test_preferences_may_ask_in_one_text_or_in_turns(lines: Lines, sort: Sort) -> None:
    turns = [{"role": "user", "content": PAIR["prompt"]}]
    path = lines([PAIR, {**PAIR, "prompt": turns, "id": 7}])
    (first, second), _ = sort(source(path, rows="preferences"))
    assert first.prompt == second.prompt
    assert second.id == "7"


def test_the_chosen_answers_of_preferences_make_examples(lines: Lines, sort: Sort) -> None:
    chosen = source(lines([PAIR]), rows="chosen")
    (row,), _ = sort(chosen)
    assert (chosen.yields(), row.instruction, row.answer) == ("examples", "Add 1 and 1.", "2")


@pytest.mark.parametrize(
    ("rows", "raw", "reason"),
    [
        ("seeds", {"context": "x"}, "field instruction is missing"),
        ("seeds", {"instruction": " \n"}, "empty instruction"),
        ("seeds", {"instruction": 3}, "field instruction is not a text"),
        ("examples", {"instruction": "a"}, "empty answer"),
        ("examples", {"instruction": " ", "answer": "b"}, "empty instruction"),
        ("preferences", {**PAIR, "prompt": " "}, "empty prompt"),
        ("examples", {"messages": [{"role": "user", "content": "a"}]}, "must end with a turn by"),
        ("preferences", {**PAIR, "chosen": "3"}, "identical answers"),
        ("preferences", {**PAIR, "rejected": " "}, "empty answer"),
        ("chosen", {"prompt": "a"}, "field chosen is missing"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_reason(
    lines: Lines, sort: Sort, rows: str, raw: dict[str, Any], reason: str
) -> None:
    path = lines([raw])
    kept, ((said, rejected),) = sort(source(path, rows=rows))
    assert kept == []
    assert reason in said
    assert rejected == {**raw, "rejected_at": f"{path}:1"}


def test_a_new_row_leaves_the_ids_of_others_alone(lines: Lines, sort: Sort) -> None:
    (alone,), _ = sort(source(lines([{"instruction": "a"}])))
    (_, later), _ = sort(source(lines([{"instruction": "b"}, {"instruction": "a"}])))
    assert later.id == alone.id


BAD_LINES = ["{oops", '{"instruction": NaN}', '{"instruction": "\\ud800"}', "[]", "3"]


def test_a_line_that_is_no_object_is_rejected_and_the_others_are_read(
    tmp_path: Path, sort: Sort
) -> None:
    path = tmp_path / "rows.jsonl"
    good = [json.dumps({"instruction": text}) for text in "ab"]
    path.write_text("\n".join([good[0], *BAD_LINES, good[1]]), encoding="utf-8")
    kept, rejected = sort(source(path))
    assert [row.instruction for row in kept] == ["a", "b"]
    assert [why for why, _ in rejected] == [*["not JSON"] * 3, *["not a JSON object"] * 2]
    assert [raw["rejected_at"] for _, raw in rejected] == [f"{path}:{n}" for n in range(2, 7)]
    assert [raw["line"] for _, raw in rejected] == BAD_LINES
    assert "problem" in rejected[0][1]


def test_a_number_without_bound_is_rejected_in_a_way_that_can_be_written(
    tmp_path: Path, sort: Sort
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "score": 1e999}\n', encoding="utf-8")
    _, ((reason, raw),) = sort(source(path))
    assert "score" in reason
    assert json.loads(json.dumps(raw, allow_nan=False))["score"] == "Infinity"


def test_the_reason_names_the_field_as_the_file_does(lines: Lines, sort: Sort) -> None:
    path = lines([{"quetsion": "Why?"}])
    _, ((reason, _),) = sort(source(path, fields={"instruction": "question"}))
    assert reason == "field question is missing"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the source gave no usable row: it holds none at all"),
        ("{oops\n[]\n{oops\n", r"3 rejected, most for 'not JSON', the first of those at .*:1;"),
        ('{"answer": "x"}', "1 rejected, most for 'field instruction is missing'"),
    ],
    ids=["empty", "no JSON", "other fields"],
)
def test_a_file_without_any_usable_row_is_not_ready(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        source(path).check_ready()


def test_one_usable_row_is_enough_to_be_ready(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{oops\n{"instruction": "a"}\n', encoding="utf-8")
    source(path).check_ready()


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    missing = source(tmp_path / "gone.jsonl")
    assert missing.evidence() == "absent"
    with pytest.raises(DataError, match=f"no such file; looked for {tmp_path}/gone.jsonl"):
        list(missing.rows())
    with pytest.raises(DataError, match="no such file"):
        missing.check_ready()


def test_a_file_is_found_from_the_recipes_folder_and_the_settings_stay_as_written(
    lines: Lines, tmp_path: Path
) -> None:
    path = lines([{"instruction": "a"}])
    settings = {"kind": "jsonl", "path": path.name}
    found = JsonlSource.model_validate(settings, context={"folder": tmp_path})
    assert len(list(found.rows())) == 1
    assert (found.path, found.evidence()) == (path.name, files.digest(path))


def test_gzipped_files_are_read_too(tmp_path: Path, sort: Sort) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps({"instruction": "a"}).encode()))
    kept, _ = sort(source(path))
    assert [row.instruction for row in kept] == ["a"]


def test_a_misspelt_field_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"'instructon' is no field of seeds .*'instruction'"):
        source(tmp_path / "x", fields={"instructon": "q"})
