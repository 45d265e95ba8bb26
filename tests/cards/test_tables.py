"""Tables of cards hold the numbers of manifests; what a manifest lacks is a dash, never a zero."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from openbezoar.cards import tables
from openbezoar.cards.limits import limits
from openbezoar.records import Score
from openbezoar.report.numbers import Run
from tests.cards.conftest import by_hand

COURSE: dict[str, JsonValue] = {
    "rows": 4, "steps": 1, "tokens": 90, "first_loss": 2.0, "last_loss": 1.0,
}  # fmt: skip
MIXED: dict[str, JsonValue] = {"train": 1, "valid": 0}
BEFORE: dict[str, Any] = {"seconds": 2.0, "peak_memory_mb": 10.0, "usage": {"requests": 3}}


@pytest.mark.parametrize(
    ("counts", "cells"), [({}, "| - | - |"), ({"by_origin": {"kept.train": 1}}, "| 1 | 0 |")]
)
def test_parts_that_nobody_counted_are_not_empty_ones(
    counts: dict[str, JsonValue], cells: str
) -> None:
    subject = by_hand("mix", "examples data set", MIXED | counts)
    manifest = subject.made.artifact.manifest
    science = {"settings": {"rows": ["kept"]}}
    artifact = replace(
        subject.made.artifact, manifest=manifest.model_copy(update={"science": science})
    )
    subject = replace(subject, made=replace(subject.made, artifact=artifact))
    assert f"| `kept` {cells}" in tables.parts(subject)


def test_a_sum_over_stages_of_which_one_was_not_measured_is_none() -> None:
    subject = by_hand("mix", "examples data set", MIXED)
    measured = replace(subject.made, run=Run(**BEFORE))
    assert "| all | - | - | - | - | - | - | - |" in tables.costs(subject)
    whole = replace(subject, line=[measured, measured])
    assert "| all | 4 | 10 | 6 | - | - | - | - |" in tables.costs(whole)
    assert "| all | - | - | 3 |" in tables.costs(replace(subject, line=[measured, subject.made]))


@pytest.mark.parametrize(
    ("read", "cells"),
    [(0, "| 3 | - | unknown | unknown |"), (7, "| 3 | - | 7 or more | unknown |")],
)
def test_tokens_that_a_server_did_not_count_are_not_left_out(read: int, cells: str) -> None:
    subject = by_hand("mix", "examples data set", MIXED)
    usage = {"requests": 3, "tokens_in": read, "tokens_out": 0, "uncounted": 2}
    measured = replace(subject.made, run=Run(**{**BEFORE, "usage": usage}))
    assert tables.costs(replace(subject, line=[measured])).count(cells) == 2


def test_a_setting_that_a_manifest_lacks_is_a_dash() -> None:
    table = tables.training(by_hand("train", "adapter", COURSE))
    assert "None" not in table
    assert "| - / - | - | not measured |" in table


def test_what_stands_beside_a_score_everywhere_stands_in_the_card_too() -> None:
    score = Score(name="arc.acc", value=0.2, n=8, flags=("first 8 rows", "zero"), note="plain")
    ((_, table),) = tables.scores(by_hand("merge", "model", {"parameters": 3}, score))
    assert "| higher | first 8 rows; zero; plain |" in table


def test_a_score_that_no_value_makes_better_is_not_measured_and_never_invalid() -> None:
    neither = Score(name="mt_bench.length", value=None, n=1, higher_is_better=None, note="why")
    invalid = Score(name="mt_bench", value=None, n=1, note="invalid")
    subject = by_hand("merge", "model", {"parameters": 3}, neither, invalid)
    ((_, table),) = tables.scores(subject)
    assert "| `mt_bench.length` | not measured | none | 1 | 0 | neither | why |" in table
    assert "| `mt_bench` | **invalid** |" in table
    told = " ".join(limits(subject))
    assert "mt_bench has no value" in told
    assert "mt_bench.length" not in told


def test_the_rows_that_training_could_not_learn_from_are_told_beside_those_it_was_given() -> None:
    left_out: JsonValue = {"train: longer than 128 tokens": 1, "valid: longer than 128 tokens": 2}
    subject = by_hand("train", "adapter", {**COURSE, "rows": 44, "left_out": left_out})
    assert tables.not_learned(subject) == [
        "it: of 45 rows learned from 44; left out: 1 longer than 128 tokens"
    ]
    assert tables.not_learned(by_hand("train", "adapter", COURSE)) == []
