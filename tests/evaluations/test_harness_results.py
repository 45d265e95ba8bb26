"""What lm-eval found becomes scores with what must be said beside them."""

import math
from statistics import stdev
from typing import Any

import pytest
from pydantic import JsonValue

from openbezoar.evaluations.harness_results import Found, side_by_side
from openbezoar.evaluations.lm_harness import TaskRun
from openbezoar.evaluations.local_tasks import Prepared
from openbezoar.records import Score

SETTINGS: dict[str, JsonValue] = {
    "limit": 4,
    "precision": "float32",
    "backend": "transformers",
    "template": None,
}


def row(**changes: Any) -> dict[str, Any]:
    """A question with four choices, as lm-eval tells of it."""
    return {
        "doc_id": 0, "doc": {}, "filter": "none", "metrics": ["acc"], "acc": 1.0, "target": 0,
        "filtered_resps": [(-1.0, False)] * 4, "prompt_hash": "h", "arguments": [("asked", " a")],
        "resps": [[(-1.0, False)]] * 4, "cut": False,
    } | changes  # fmt: skip


def found(
    value: object,
    rows: list[dict[str, Any]],
    metric: str = "acc",
    task: str = "t",
    error: object = "N/A",
    **changes: Any,
) -> Score:
    """The score of a task of lm-eval that has one metric."""
    filter_ = rows[0]["filter"]
    measured = {f"{metric},{filter_}": value, f"{metric}_stderr,{filter_}": error}
    results = {
        "results": {task: {**measured, "sample_len": len(rows)}},
        "group_subtasks": {task: []}, "samples": {task: rows}, "n-shot": {task: 0},
        "n-samples": {task: {"original": 4, "effective": len(rows)}}, "versions": {task: 1.0},
        "configs": {task: {"output_type": "multiple_choice"}}, "higher_is_better": {},
    } | changes  # fmt: skip
    place = Prepared("some rows", (), {})
    [score] = Found(TaskRun(task, 0, chat=False), place, results, SETTINGS).scores()
    return score


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (0.24, ("below chance (0.250)",)),
        (0.25, ()),
        (0.0, ("below chance (0.250)",)),
        (float("nan"), ()),
        ("N/A", ()),
    ],
)
def test_a_score_below_chance_is_never_bare(value: object, flags: tuple[str, ...]) -> None:
    assert found(value, [row()] * 4).flags == flags


def test_chance_is_that_of_the_very_rows_measured() -> None:
    two = row(filtered_resps=[(-1.0, False)] * 2)
    assert found(0.3, [row(), two, two, two]).flags == ("below chance (0.438)",)


def test_unconditional_likelihoods_are_no_choices() -> None:
    """Four choices, each with and without the question: chance is a quarter, not an eighth."""
    both = row(filtered_resps=[(-1.0, False)] * 8, metrics=["acc", "acc_mutual_info"])
    assert found(0.2, [both] * 4).flags == ("below chance (0.250)",)


def test_chance_of_truthfulqa_s_mass_is_the_share_of_true_answers() -> None:
    many = row(doc={"mc2_targets": {"labels": [1, 1, 1, 0]}})
    assert found(0.7, [many] * 4, task="truthfulqa_mc2").flags == ("below chance (0.750)",)


@pytest.mark.parametrize(
    ("metric", "value", "flags"),
    [
        ("mcc", -0.1, ("below chance (0.000)",)),
        ("mcc", 0.0, ("zero",)),
        ("f1", 0.0, ("zero",)),
        ("f1", 0.01, ()),
    ],
)
def test_a_zero_without_a_known_chance_is_flagged_as_such(
    metric: str, value: float, flags: tuple[str, ...]
) -> None:
    assert found(value, [row(metrics=[metric])] * 4, metric).flags == flags


@pytest.mark.parametrize(("right", "low", "high"), [(0, 0, 0.33), (7, 0.46, 1), (8, 0.67, 1)])
def test_an_accuracy_has_an_interval_between_0_and_1_even_at_its_ends(
    right: int, low: float, high: float
) -> None:
    """lm-eval's error is that of a mean: none where all rows are alike, too wide near an end."""
    counts = [1.0] * right + [0.0] * (8 - right)
    error = stdev(counts) / math.sqrt(8)
    score = found(right / 8, [row(acc=one) for one in counts], error=error)
    assert score.standard_error == error
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.05)


def test_a_metric_that_is_no_share_has_the_error_s_own_interval() -> None:
    rows = [row(metrics=["perplexity"], perplexity=one) for one in (2.0, 4.0)]
    score = found(3.0, rows, "perplexity", error=1.0)
    assert (score.low, score.high) == pytest.approx((3 - 1.96, 3 + 1.96), abs=0.01)


def test_a_value_without_an_error_has_no_interval() -> None:
    score = found(0.5, [row()], error="N/A")
    assert (score.value, score.low, score.high) == (0.5, None, None)


def test_a_zero_that_is_good_is_no_alarm() -> None:
    lower = {"t": {"brier_score": False}}
    score = found(0.0, [row()] * 4, "brier_score", higher_is_better=lower)
    assert (score.flags, score.higher_is_better) == ((), False)


def test_a_limit_is_told_only_where_rows_were_left_out() -> None:
    assert found(0.5, [row()] * 3).flags == ("first 4 rows",)
    assert found(0.5, [row()] * 4).flags == ()


def test_unreadable_and_cut_answers_stand_beside_a_generated_score() -> None:
    said = [["12"], [""], ["[invalid]"], [" "]]
    rows = [row(filter="strict", filtered_resps=answers) for answers in said]
    rows[0]["cut"] = True
    generated: dict[str, Any] = {"configs": {"t": {"output_type": "generate_until"}}}
    assert found(0.0, rows, "exact_match", **generated).flags == (
        "zero",
        "3 of 4 answers empty or without the form asked for",
        "1 of 4 answers cut off at the longest length",
    )


def test_each_score_is_followed_by_its_twin_through_the_template() -> None:
    names = ["t.acc", "t.acc_norm", "t.acc.chat", "t.acc_norm.chat", "u.acc.chat"]
    beside = side_by_side(Score(name=name, value=1, n=1) for name in names)
    assert [score.name for score in beside] == [
        "t.acc", "t.acc.chat", "t.acc_norm", "t.acc_norm.chat", "u.acc.chat",
    ]  # fmt: skip
