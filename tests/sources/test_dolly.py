"""databricks-dolly-15k, from the shared data folder."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.errors import DataError
from openbezoar.records import Example
from openbezoar.sources.dolly import CATEGORIES, DollySource, _problem

Sort = Callable[[DollySource], tuple[list[Any], list[Any]]]


def dolly(**settings: Any) -> DollySource:
    return DollySource(**settings)


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_every_row_is_kept_or_rejected_as_a_duplicate(sort: Sort) -> None:
    kept, rejected = sort(dolly())
    assert len(kept) == 15_003
    assert Counter(reason for reason, _ in rejected) == {"duplicate": 8}
    assert {row.category for row in kept} == set(CATEGORIES)


@pytest.mark.usefixtures("shared")
def test_a_category_has_a_limit_of_its_own(sort: Sort) -> None:
    kept, _ = sort(dolly(per_category=2, limit=16))
    assert Counter(row.category for row in kept) == dict.fromkeys(CATEGORIES, 2)


@pytest.mark.usefixtures("shared")
def test_a_slice_counts_the_rows_of_its_category(sort: Sort) -> None:
    whole, _ = sort(dolly(categories=("open_qa",), limit=30))
    sliced, _ = sort(dolly(categories=("open_qa",), slices={"open_qa": (10, 30)}))
    assert sliced == whole[10:]


@pytest.mark.usefixtures("shared")
def test_a_seed_carries_its_answer_category_and_licence(sort: Sort) -> None:
    (seed,), _ = sort(dolly(limit=1))
    assert seed.id == "dolly-" + seed.id[-12:]
    assert seed.target
    assert seed.context
    assert (seed.origin, seed.licences) == ("dolly", ("CC-BY-SA-3.0",))


@pytest.mark.usefixtures("shared")
def test_the_human_answers_make_examples(sort: Sort) -> None:
    seeds, _ = sort(dolly(limit=5))
    examples, _ = sort(dolly(limit=5, answers=True))
    assert dolly(answers=True).yields() == "examples"
    assert all(isinstance(row, Example) for row in examples)
    assert [(row.id, row.instruction, row.answer) for row in examples] == [
        (seed.id, seed.prompt, seed.target) for seed in seeds
    ]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Won in 1994[1][12].", "Won in 1994."),
        ("Said so.[citation needed] Then[note 3] left.", "Said so. Then left."),
        ("Big[nb 1], old[n. 2] and red[Better source needed].", "Big, old and red."),
        ("a[i] = b[x1] [...] [sic]", "a[i] = b[x1] [...] [sic]"),
    ],
)
def test_only_citation_marks_are_stripped(text: str, clean: str) -> None:
    assert dolly(strip_citations=True)._clean(text) == clean
    assert dolly()._clean(text) == text


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
def test_stripping_citations_changes_texts_and_keeps_ids(sort: Sort) -> None:
    plain, _ = sort(dolly())
    stripped, _ = sort(dolly(strip_citations=True))
    assert [row.id for row in plain] == [row.id for row in stripped]
    assert any("[citation needed]" in row.context for row in plain)
    assert not any("[citation needed]" in row.context for row in stripped)


@pytest.mark.usefixtures("shared")
def test_the_evidence_is_the_sum_of_the_file_that_is_here() -> None:
    assert str(dolly().evidence()).startswith("c8af4e6bd537")


@pytest.mark.usefixtures("no_data")
def test_a_missing_set_says_how_to_get_it() -> None:
    assert str(dolly().evidence()).startswith("2df908333")
    with pytest.raises(DataError, match="`bezoar data pull dolly` fetches it"):
        next(dolly().rows())


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValidationError, match="closed_qa"):
        dolly(categories=("closedqa",))


def test_a_row_that_is_not_dollys_has_a_reason() -> None:
    whole = {"instruction": "Add.", "context": "", "response": "2", "category": "open_qa"}
    assert _problem(whole) == ""
    assert _problem({**whole, "response": None}) == "response is not a text"
    assert _problem({**whole, "category": "poetry"}) == "unknown category"
    assert _problem({**whole, "instruction": " "}) == "empty instruction"
