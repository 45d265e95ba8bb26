"""The named sets of tasks."""

from typing import get_args

from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.suites import SUITES
from openbezoar.evaluations.task_names import check_known


def test_each_suite_can_be_named_says_what_it_is_and_has_tasks_that_lm_eval_knows() -> None:
    [named, _] = get_args(Harness.model_fields["suite"].annotation)
    assert set(get_args(named)) == set(SUITES)
    for suite in SUITES.values():
        assert suite.what
        assert suite.source
        for task in suite.tasks:
            check_known(task)
