"""A judge is tried on bad answers first, then decides on every row."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError, ParseError
from openbezoar.families import Request
from openbezoar.filters.judged import Judged
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Example, Grade, Seed

Make = Callable[..., Example]
Decide = Callable[..., Any]


def judged(**settings: Any) -> Judged:
    judge = {"kind": "acceptance", "model": "proxy"}
    return Judged.model_validate({"judge": judge, **settings})


def rows(example: Make, n: int = 12) -> list[Example]:
    return [example(f"Question {p}?", f"Answer {p} is a fine sentence.", f"r{p}") for p in range(n)]


def verdict(status: str, rating: int) -> str:
    return json.dumps({"reason": "so", "rating": rating, "status": status})


def knowing(request: Request) -> str:
    """Accepts only the answer that belongs to the question, whole."""
    asked = request.messages[0].content
    number = asked.split("Question ")[1].split("?")[0]
    good = f"<answer>\nAnswer {number} is a fine sentence.\n</answer>" in asked
    return verdict("Accept", 9) if good else verdict("Reject", 2)


def test_a_judge_that_knows_is_trusted_and_its_figures_are_noted(
    example: Make, decide: Decide
) -> None:
    verdicts, numbers = decide(judged(), rows(example), ScriptedModel(knowing))
    assert all(found.keep for found in verdicts)
    assert numbers["judge"]["auc_pooled"] == 1.0
    assert numbers["judge"]["accepted"]["real"] == 1.0
    assert numbers["judge"]["n"]["junk"] == 12


def test_a_kept_row_carries_its_grade_and_a_rejected_one_too(example: Make, decide: Decide) -> None:
    pair = [*rows(example, 1), example("Question 5?", "Something else.", "bad")]
    (kept, rejected), _ = decide(judged(probes=0), pair, ScriptedModel(knowing))
    assert kept.keep
    assert kept.grade == Grade(status="Accept", rating=9, reason="so")
    assert (rejected.keep, rejected.reason, rejected.filter) == (False, "rejected", "judged")
    assert rejected.grade == Grade(status="Reject", rating=2, reason="so")


def test_a_judge_that_accepts_everything_stops_the_stage(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    with pytest.raises(DataError, match=r"cannot tell good .*AUC 0\.50.*junk 0\.50") as failure:
        decide(judged(), rows(example), model)
    assert "\n" not in str(failure.value)


def test_a_judge_nobody_can_read_stops_the_stage(example: Make, decide: Decide) -> None:
    with pytest.raises(DataError, match="no verdict on a real answer was read"):
        decide(judged(), rows(example), ScriptedModel(lambda request: "hm"))


def test_without_probes_the_judge_is_trusted_untried(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    verdicts, numbers = decide(judged(probes=0), rows(example, 3), model)
    assert len(model.requests) == 3
    assert numbers == {}
    assert all(found.keep for found in verdicts)


def test_an_unreadable_verdict_is_counted_and_never_scored(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: "10/10, accept!")
    (found,), _ = decide(judged(probes=0), rows(example, 1), model)
    assert (found.keep, found.reason, found.grade) == (False, "unreadable", Grade())


def test_a_row_the_server_refuses_is_dropped_with_its_words(example: Make, decide: Decide) -> None:
    def refuse(request: Request) -> str:
        raise ParseError("refused by the server", "too long")

    (found,), _ = decide(judged(probes=0), rows(example, 1), ScriptedModel(refuse))
    assert found.reason == "unreadable"
    assert found.grade == Grade(reason="refused by the server: too long")


def test_a_few_rows_measure_the_judge_but_do_not_stop_it(example: Make, decide: Decide) -> None:
    model = ScriptedModel(lambda request: verdict("Accept", 9))
    verdicts, numbers = decide(judged(), rows(example, 3), model)
    assert numbers["judge"]["auc_pooled"] == 0.5
    assert len(verdicts) == 3


def test_only_examples_are_judged(decide: Decide) -> None:
    with pytest.raises(ConfigError, match="a judge grades examples, which Seed rows are not"):
        decide(judged(), [Seed(id="s", instruction="Why?")], ScriptedModel(knowing))


def test_its_model_is_announced() -> None:
    assert judged().uses() == ("proxy",)
