"""The rows that ship with the package."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.records import Example, Preference, Seed
from openbezoar.sources.dolly import CATEGORIES
from openbezoar.sources.sample import SampleSource

Sort = Callable[[SampleSource], tuple[list[Any], list[Any]]]


@pytest.mark.parametrize(
    ("settings", "kind", "record", "least"),
    [
        ({}, "seeds", Seed, 80),
        ({"rows": "instructions", "answers": True}, "examples", Example, 80),
        ({"rows": "flan"}, "seeds", Seed, 40),
        ({"rows": "preferences"}, "preferences", Preference, 64),
    ],
)
def test_the_shipped_rows_are_all_good(
    settings: dict[str, Any], kind: str, record: type, least: int, sort: Sort
) -> None:
    source = SampleSource.model_validate({"kind": "sample", **settings})
    kept, rejected = sort(source)
    assert (source.yields(), rejected) == (kind, [])
    assert len(kept) >= least
    assert all(isinstance(row, record) for row in kept)
    assert {row.licences for row in kept} == {("Apache-2.0",)}


def test_the_instructions_cover_dollys_categories_and_some_have_a_context(sort: Sort) -> None:
    kept, _ = sort(SampleSource())
    assert set(Counter(row.category for row in kept)) == set(CATEGORIES)
    assert any(row.context for row in kept)


def test_the_tasks_cover_flans_four_parts_and_have_targets(sort: Sort) -> None:
    kept, _ = sort(SampleSource(rows_of="flan"))
    assert {row.sub_collection for row in kept} == {"cot", "niv2", "t0", "flan2021"}
    assert all(row.target for row in kept)


def test_half_of_the_pairs_have_several_turns(sort: Sort) -> None:
    kept, _ = sort(SampleSource(rows_of="preferences"))
    assert sum(len(row.prompt) > 1 for row in kept) * 2 == len(kept)
    assert all(row.chosen != row.rejected for row in kept)


def test_answers_go_with_instructions_only() -> None:
    with pytest.raises(ValidationError, match="`answers` goes with `rows: instructions`"):
        SampleSource(rows_of="flan", answers=True)


def test_a_written_out_source_reads_back_as_itself() -> None:
    source = SampleSource(rows_of="flan", limit=3)
    assert SampleSource.model_validate(source.model_dump()) == source
