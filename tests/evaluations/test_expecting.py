"""What an evaluation will ask and read is counted from its files and settings."""

import pytest

from openbezoar.evaluations.expecting import likelihoods_of, questions_of, task_of, total_of
from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.ledger import CheckpointLedger
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.evaluations.mt_bench_pairs import MtBenchPairs
from openbezoar.evaluations.refusals import Refusals
from openbezoar.families import Expected, Flow, Length, Reading
from openbezoar.ranges import exactly

PAIRS = Flow(exactly(10), Length(exactly(30), exactly(50)))


def test_a_row_is_read_up_to_the_longest_and_no_further_than_the_limit() -> None:
    """30 + 2 answers of 50 + 25 are 155; two sequences of at most 64 are 128."""
    assert likelihoods_of(PAIRS, None, 1024, 2).tokens == exactly(1550)
    assert likelihoods_of(PAIRS, 3, 64, 2) == Reading(rows=exactly(3), tokens=exactly(3 * 128))


def test_rows_of_unknown_length_are_counted_all_the_same() -> None:
    assert likelihoods_of(Flow(exactly(4)), None, 64, 1) == Reading(rows=exactly(4), tokens=None)


def test_a_ledger_reads_the_first_rows_of_its_data_and_asks_its_questions() -> None:
    """30 + 50 + 25 tokens a row, of 10 rows and of 4."""
    ledger = CheckpointLedger(data=("pairs", "rows"), rows=8, answers=3)
    found = ledger.expects({"pairs": PAIRS, "rows": PAIRS._replace(valid=exactly(4))})
    assert (found.rows, found.tokens) == (exactly(12), exactly(12 * 105))
    assert found.asked[""].requests == exactly(3)
    assert ledger.expects({"pairs": PAIRS, "rows": Flow(None)}).tokens is None
    assert CheckpointLedger(rows=0, answers=0).expects({}).asked[""] == Expected()


def test_no_question_asks_nothing() -> None:
    assert questions_of([], 64).requests == exactly(0)


def test_our_own_rows_are_counted_and_a_limit_kept() -> None:
    assert task_of("sample_choices", None).rows == exactly(60)
    assert task_of("sample_choices", 7).rows == exactly(7)
    assert Harness(data="sample").expects({}).rows == exactly(60)


def test_a_task_that_is_not_here_makes_the_whole_unknown() -> None:
    known, unknown = task_of("sample_choices", 7), task_of("no_such_task", None)
    assert unknown == Reading(rows=None, tokens=None)
    assert total_of([known, unknown]).rows is None


@pytest.mark.parametrize(("limit", "turns"), [(3, 6), (None, 32)])
def test_every_turn_is_answered_once_and_rated_once(limit: int | None, turns: int) -> None:
    asked = MtBench(judge="judge", verdict="json", limit=limit).expects({}).asked
    assert asked[""].requests == asked["judge"].requests == exactly(turns)
    assert asked["judge"].tokens_in.likely > asked[""].tokens_in.likely


def test_pairs_are_judged_in_both_orders_against_every_other() -> None:
    asked = MtBenchPairs(judge="judge", against=("a", "b"), limit=2).expects({}).asked
    assert asked[""].requests == exactly(3 * 4)
    assert asked["judge"].requests.likely == 2 * 2 * 4


def test_refusals_are_asked_of_the_model_before_too() -> None:
    alone = Refusals(limit=6).expects({}).asked[""]
    both = Refusals(limit=6, before="base").expects({}).asked[""]
    assert (alone.requests, both.requests) == (exactly(6), exactly(12))
