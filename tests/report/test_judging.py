"""How the judges of a store are told of."""

import pytest

from openbezoar.report.contents import gather
from openbezoar.report.judging import trials
from tests.report.conftest import Shelf

COUNTS = {"read": 5, "rows": 5, "rejected": {}}


def put_judge(shelf: Shelf, kind: str, checkpoint: str) -> None:
    """A filter whose judge was trusted untried."""
    shelf.put(
        "kept", "filter", "examples", COUNTS,
        settings={"filters": [{"kind": "length"}, {"judge": {"kind": kind, "model": "student"}}]},
        models={"student": [{"checkpoint": checkpoint}, None]},
    )  # fmt: skip


def test_a_trial_names_judge_and_model_and_shows_the_real_answers_first(line: Shelf) -> None:
    (trial,) = trials(gather(line.store))
    assert (trial.judge, trial.model) == ("likelihood", "smollm2-135m-instruct")
    assert trial.kinds[0] == "real"


@pytest.mark.parametrize(
    ("checkpoint", "small"),
    [("smollm2-135m-instruct", True), ("owner/Model-0.5B", True), ("open_llama_3b_v2", False),
     ("/models/mine", False), ("mamba", False)],
)  # fmt: skip
def test_a_likelihood_judge_is_said_to_be_one_of_a_small_model_where_it_is(
    shelf: Shelf, checkpoint: str, small: bool
) -> None:
    put_judge(shelf, "likelihood", checkpoint)
    (trial,) = trials(gather(shelf.store))
    assert trial.caution.startswith("This is a likelihood judge")
    assert ("a small model" in trial.caution) is small


def test_a_judge_that_was_not_tried_has_no_numbers(shelf: Shelf) -> None:
    put_judge(shelf, "acceptance", "gpt")
    (trial,) = trials(gather(shelf.store))
    assert (trial.numbers, trial.caution, trial.kinds) == (None, "", [])


def test_a_filter_without_a_judge_has_no_trial(shelf: Shelf) -> None:
    shelf.put("kept", "filter", "examples", COUNTS, settings={"filters": [{"kind": "length"}]})
    assert trials(gather(shelf.store)) == []


def test_a_trial_stands_even_where_the_settings_do_not_say_who_judged(shelf: Shelf) -> None:
    judge = {"auc": {}, "auc_pooled": None, "accepted": {"real": 1.0}, "n": {"real": 3}}
    shelf.put("kept", "filter", "examples", {**COUNTS, "judge": judge})
    (trial,) = trials(gather(shelf.store))
    assert (trial.judge, trial.kinds) == ("unknown", ["real"])
