"""Rows have the fields of the released data sets, their passport, and lose nothing."""

import json
from typing import Any

import pytest

from openbezoar.publishing.fields import Published, columns_of, form_of
from openbezoar.records import Example, Grade, Preference, Seed, Verdict
from tests.conftest import turns

PASSPORT = {"id", "parents", "origin", "licences", "details"}
MAKING = {
    "scheme",
    "teacher",
    "prompt_fingerprint",
    "attempt",
    "finish_reason",
    "target",
    "verdicts",
}
GPT4 = {"gpt4_status", "gpt4_rating", "gpt4_reason"}
ORCA: dict[str, Any] = {
    "original_index": 3, "inputs": "Why?", "targets": "So.", "task_source": "NIv2",
    "task_name": "why", "template_type": "zs_opt", "system_message": "", "dataset_source": "flan",
    "explained_targets": "Because it is so.", "system_message_id": 1,
}  # fmt: skip
EVOL: dict[str, Any] = {
    "category": "open_qa", "evolution_strategy": "in-depth-evolving",
    "in-depth-evolving_operation": "deepening", "epoch": 1, "evolved_from": "dolly-1",
}  # fmt: skip


def example(details: dict[str, Any], *verdicts: Verdict) -> Example:
    return Example(id="a", messages=turns("Why?", "So."), details=details, verdicts=verdicts)


def judged(status: str, rating: float) -> Verdict:
    grade = Grade.model_validate({"status": status, "rating": rating, "reason": "it fits"})
    return Verdict(filter="judged", keep=True, grade=grade)


def published(*rows: Published, judge: str = "gpt4") -> list[dict[str, Any]]:
    columns = columns_of(rows, judge)
    return [columns.row(row) for row in rows]


@pytest.mark.parametrize(
    ("details", "released"),
    [
        ({"source": "generated_dolly"}, {"instruction", "response", "source", *GPT4}),
        (ORCA, {*ORCA} - {"system_message_id"} | GPT4),
        (EVOL, {"instruction", "response", *EVOL} - {"evolved_from"}),
    ],
)
def test_a_scheme_has_the_fields_of_its_released_data_set(
    details: dict[str, Any], released: set[str]
) -> None:
    (row,) = published(example(details, judged("Accept", 9)))
    assert released | PASSPORT | MAKING | {"messages"} <= row.keys()
    assert {name: row[name] for name in released & details.keys()} == {
        name: details[name] for name in released & details.keys()
    }


def test_a_grade_is_in_columns_named_by_its_judge() -> None:
    kept, plain = published(example({}, judged("Reject", 2), judged("Accept", 9)), example({}))
    assert (kept["gpt4_status"], kept["gpt4_rating"], kept["gpt4_reason"]) == (
        "Accept",
        9.0,
        "it fits",
    )
    assert plain["gpt4_status"] is None
    assert [one["grade"]["rating"] for one in json.loads(kept["verdicts"])] == [2, 9]


def test_a_judges_name_never_takes_the_place_of_a_field_of_the_row() -> None:
    (row,) = published(example({}, judged("Accept", 9)), judge="finish")
    assert (row["finish_reason"], row["judge_reason"]) == ("", "it fits")


def test_a_mix_of_schemes_has_the_fields_of_all_and_null_where_one_has_none() -> None:
    orca, evol = published(example(ORCA), example(EVOL))
    assert orca.keys() == evol.keys()
    assert (orca["epoch"], evol["epoch"]) == (None, 1)
    assert (orca["inputs"], evol["inputs"]) == ("Why?", None)
    assert not GPT4 & orca.keys()


@pytest.mark.parametrize("strange", ["three", 2**70, True, [1], {"a": 1}])
def test_a_value_of_another_kind_stays_in_the_details(strange: Any) -> None:
    fitting, odd = published(example({"epoch": 1}), example({"epoch": strange}))
    assert (fitting["epoch"], odd["epoch"]) == (1, None)
    assert json.loads(odd["details"]) == {"epoch": strange}


def test_a_detail_never_takes_the_place_of_a_field_of_the_row() -> None:
    seed = Seed(id="a", instruction="Why?", category="ours", details={"category": "theirs"})
    (row,) = published(seed)
    assert row["category"] == "ours"
    assert json.loads(row["details"]) == {"category": "theirs"}


def test_a_pair_is_written_as_trainers_read_it(preference: Preference) -> None:
    (row,) = published(preference)
    assert row["prompt"][-1] == {"role": "user", "content": "Name a colour."}
    assert row["chosen"] == [{"role": "assistant", "content": "Blue."}]
    assert row.keys() >= PASSPORT


def test_every_column_has_a_form() -> None:
    forms = {name: form_of(name) for name in ("id", "epoch", "gpt4_rating", "parents", "prompt")}
    assert [*forms.values()] == ["text", "integer", "real", "texts", "turns"]
