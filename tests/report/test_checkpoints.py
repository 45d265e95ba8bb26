"""The ledgers of all checkpoints as one table, in the order of the line."""

import math
from typing import Any

import pytest

from openbezoar.records import Score
from openbezoar.report.checkpoints import checkpoints, rows_of
from openbezoar.report.contents import gather
from tests.report.conftest import Shelf

NUMBERS = {"rows": 1, "steps": 1, "tokens": 9, "first_loss": 2.0, "last_loss": 1.0}


def measured(shelf: Shelf, stage: str, model: str, *reads: str, **scores: float) -> None:
    """An evaluate stage that kept a ledger."""
    found = [
        Score(name=f"ledger.{name.replace('__', '.')}", value=value, n=8, missing=1)
        for name, value in scores.items()
    ]
    told: Any = {"model": model, "scores": [score.model_dump(mode="json") for score in found]}
    shelf.put(stage, "evaluate", "scores", told, reads=reads)


def test_base_trainings_and_merges_stand_in_the_order_of_the_line(line: Shelf) -> None:
    measured(line, "ledger_final", "dpo_model", "dpo_model", stopped=1.0)
    measured(line, "ledger_sft", "sft", "sft", stopped=0.75)
    measured(line, "ledger_base", "student", stopped=0.5, loss__lamini_data=2.0)
    found = checkpoints(gather(line.store)).lines
    assert [(one.name, one.kind) for one in found] == [
        ("student", "checkpoint"),
        ("sft_adapter", "train"),
        ("sft", "merge"),
        ("dpo", "train"),
        ("dpo_model", "merge"),
    ]
    stopped = [one.figures["answers that stop"].value for one in found]
    assert stopped == [0.5, 0.625, 0.75, 0.625, 1.0]


def test_perplexities_come_before_the_answers_whoever_measured_them(line: Shelf) -> None:
    measured(line, "ledger_base", "student", perplexity__lamini_data=9.5, loss__lamini_data=2.25)
    book = checkpoints(gather(line.store))
    assert book.columns == [
        "perplexity.lamini_data", "perplexity.pairs_data", "answers that stop", "mean tokens",
        "refusals", "repetition",
    ]  # fmt: skip
    values = [mark and mark.value for mark in book.marks("perplexity.lamini_data")]
    assert values == [9.5, pytest.approx(math.exp(1.74)), pytest.approx(math.exp(1.812))]


def test_a_lesson_still_to_come_is_left_empty_and_one_forgotten_says_since_when(
    line: Shelf,
) -> None:
    first, second = checkpoints(gather(line.store)).lines
    assert "perplexity.pairs_data" not in first.figures
    moved = second.figures["perplexity.lamini_data"]
    assert (moved.change, moved.since, moved.n) == (0.072, "sft_adapter", 14)
    assert (moved.low, moved.high) == pytest.approx((math.exp(1.612), math.exp(2.012)))


def test_stages_without_a_ledger_are_left_out(shelf: Shelf) -> None:
    shelf.put("old", "train", "adapter", NUMBERS, files={"metrics.jsonl": []})
    older = {"losses": {}, "answers": {"n": 8, "stopped": 5}}
    shelf.put("silent", "train", "adapter", {**NUMBERS, "ledger": older})
    book = checkpoints(gather(shelf.store))
    assert [(one.name, one.figures) for one in book.lines] == [("silent", {})]
    assert book.columns == []


def test_a_terminal_is_told_values_and_a_program_everything(line: Shelf) -> None:
    book = checkpoints(gather(line.store))
    assert rows_of(book, as_json=False)[0] == {
        "checkpoint": "sft_adapter", "kind": "train",
        "perplexity.lamini_data": pytest.approx(math.exp(1.74)), "perplexity.pairs_data": None,
        "answers that stop": 0.625, "mean tokens": 41.25, "refusals": 0.125, "repetition": 0.04,
    }  # fmt: skip
    full = rows_of(book, as_json=True)[0]["refusals"]
    assert (full["low"], full["high"], full["n"]) == (0.022, 0.471, 8)
