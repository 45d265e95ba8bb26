"""The FLAN collection: the shared files, the published tables and the sub-mixes."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError
from openbezoar.sources.flan import _COT_SETS, FlanSource, licences_of

Lines = Callable[[Iterable[object]], Path]
Sort = Callable[[FlanSource], tuple[list[Any], list[Any]]]

MIX = {
    "inputs": "Is it so?\nOPTIONS:\n- yes\n- no",
    "targets": "yes",
    "task_source": "Flan2021",
    "task_name": "bool_q:1.0.0",
    "template_type": "fs_opt",
}


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_non_commercial_tasks_are_rejected_with_the_counts_known_of_the_shared_files(
    sort: Sort,
) -> None:
    """700 wic, 315 samsum, 225 sciq (t0), 160 + 400 + 400 (niv2) make 2,200."""
    kept, rejected = sort(FlanSource())
    reasons = Counter(reason for reason, _ in rejected)
    assert reasons["non-commercial task"] == 2_200
    assert len(kept) + len(rejected) == 33_443 + 6_966 + 12_433 + 6_250
    assert not any("-NC" in licence for row in kept for licence in row.licences)


@pytest.mark.usefixtures("shared")
def test_non_commercial_tasks_are_kept_when_asked_for(sort: Sort) -> None:
    kept, _ = sort(
        FlanSource(sub_collections=("flan2021",), tasks=("wic",), limit=3, non_commercial=True)
    )
    assert [row.task for row in kept] == ["wic"] * 3
    assert kept[0].licences == ("Apache-2.0", "CC-BY-NC-4.0")


@pytest.mark.usefixtures("shared")
def test_chain_of_thought_ends_its_rationale_with_the_answer(sort: Sort) -> None:
    (row,), _ = sort(FlanSource(sub_collections=("cot",), limit=1))
    assert row.target == f"{row.details['rationale']}\n{row.details['answer']}"
    assert (row.sub_collection, row.origin) == ("cot", "flan")


@pytest.mark.usefixtures("shared")
def test_natural_instructions_ask_with_their_definition_and_answer_with_the_first_output(
    sort: Sort,
) -> None:
    (row,), _ = sort(FlanSource(sub_collections=("niv2",), limit=1))
    assert row.instruction.startswith(str(row.details["definition"]))
    assert row.target == str(row.details["output"][0]).strip()


@pytest.mark.usefixtures("shared")
def test_tasks_are_named_with_stars_limited_and_left_out(sort: Sort) -> None:
    settings: dict[str, Any] = {"sub_collections": ("cot",), "per_task": 2}
    kept, _ = sort(FlanSource(tasks=("cot_*a",), without=("cot_ecqa",), **settings))
    assert Counter(row.task for row in kept) == {"cot_aqua": 2, "cot_strategyqa": 2}


def test_sub_mixes_in_a_local_folder_are_read(lines: Lines, sort: Sort) -> None:
    path = lines([MIX, {**MIX, "task_source": "P3", "template_type": "zs_noopt"}])
    source = FlanSource(folder=str(path.parent))
    (first, second), _ = sort(source)
    assert (first.sub_collection, first.task, first.target) == ("flan2021", "bool_q:1.0.0", "yes")
    assert second.sub_collection == "t0"
    (only,), _ = sort(FlanSource(folder=str(path.parent), template_types=("fs_opt",)))
    assert only == first


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task_source": "elsewhere"}, "not a row of FLAN"),
        ({"task_source": None}, "not a row of FLAN"),
        ({"targets": " "}, "empty inputs or targets"),
        ({"inputs": ["a"]}, "inputs, targets or task is not a text"),
        ({"task_name": 5}, "inputs, targets or task is not a text"),
        ({"task_name": "super_glue/wic:1.0.2"}, "non-commercial task"),
    ],
)
def test_an_unusable_row_is_rejected_with_its_line(
    lines: Lines, sort: Sort, change: dict[str, Any], reason: str
) -> None:
    path = lines([{**MIX, **change}])
    kept, ((said, raw),) = sort(FlanSource(folder=str(path.parent)))
    assert (kept, said, raw["rejected_at"]) == ([], reason, "rows.jsonl:1")


def test_the_published_tables_of_chain_of_thought_stand_in_for_the_packed_file(
    no_data: Path, sort: Sort
) -> None:
    folder = no_data / "flan" / "cot_data"
    folder.mkdir(parents=True)
    for name in _COT_SETS:
        (folder / f"{name}_train.tsv").write_text(f"{name}?\\nSay.\tyes\tbecause\nbroken\n")
    source = FlanSource(sub_collections=("cot",))
    kept, rejected = sort(source)
    assert [row.task for row in kept] == [f"cot_{name}" for name in _COT_SETS]
    assert (kept[0].instruction, kept[0].target) == ("aqua?\nSay.", "because\nyes")
    assert {reason for reason, _ in rejected} == {"not a row of FLAN"}


@pytest.mark.usefixtures("no_data")
def test_a_missing_collection_says_what_can_be_fetched_and_what_can_be_named() -> None:
    with pytest.raises(DataError, match="`bezoar data pull flan` fetches it; or name FLAN's"):
        next(FlanSource().rows())
    with pytest.raises(DataError, match="OPENBEZOAR_DATA; or name FLAN's sub-mixes with `folder`"):
        next(FlanSource(sub_collections=("t0",)).rows())


def test_a_folder_without_sub_mixes_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no .*; name a folder with FLAN's sub-mixes"):
        FlanSource(folder=str(tmp_path)).evidence()


def test_evidence_of_a_sub_mix_changes_with_its_content(lines: Lines) -> None:
    path = lines([MIX])
    source = FlanSource(folder=str(path.parent))
    before = json.dumps(source.evidence())
    lines([{**MIX, "targets": "no!"}])
    assert json.dumps(source.evidence()) != before


@pytest.mark.parametrize(
    ("task", "own"),
    [
        ("cot_gsm8k", "MIT"),
        ("wic", "CC-BY-NC-4.0"),
        ("anli/r1:0.1.0", "CC-BY-NC-4.0"),
        ("samsum_Summarize_", "CC-BY-NC-ND-4.0"),
        ("sciq_Multiple_Choice", "CC-BY-NC-3.0"),
        ("task1572_samsum_summary", "CC-BY-NC-ND-4.0"),
        ("cot_aqua", "LicenseRef-source-terms"),
        ("wiki_qa_exercise", "LicenseRef-source-terms"),
    ],
)
def test_a_task_has_the_licence_of_its_own_data_set(task: str, own: str) -> None:
    assert licences_of(task) == ("Apache-2.0", own)
