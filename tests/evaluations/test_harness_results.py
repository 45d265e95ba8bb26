"""What lm-eval found becomes scores with what must be said beside them."""

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
    value: object, rows: list[dict[str, Any]], metric: str = "acc", task: str = "t", **changes: Any
) -> Score:
    """The score of a task of lm-eval that has one metric."""
    filter_ = rows[0]["filter"]
    results = {
        "results": {task: {f"{metric},{filter_}": value, "sample_len": len(rows)}},
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
