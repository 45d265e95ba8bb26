"""The ledger of scores."""

from openbezoar.records import Score
from openbezoar.report.contents import gather
from openbezoar.report.ledger import ledger, main_lines
from tests.report.conftest import Shelf


def put_scores(shelf: Shelf, stage: str, *scores: Score) -> None:
    """One evaluated checkpoint."""
    content = [score.model_dump(mode="json") for score in scores]
    shelf.put(stage, "evaluate", "scores", {"model": stage, "scores": content})


def test_models_stand_in_the_order_of_their_training(line: Shelf) -> None:
    line.put("eval_base", "evaluate", "scores", {"model": "student", "scores": []},
             settings={"limit": 7})  # fmt: skip
    columns = ledger(gather(line.store)).columns
    assert [column.model for column in columns] == ["student", "sft", "dpo_model"]


def test_a_model_that_two_stages_measured_is_one_model(line: Shelf) -> None:
    given = {"model": "dpo_model", "scores": []}
    line.put("again", "evaluate", "scores", given, reads=("dpo_model",), settings={"limit": 7})
    student = [{"kind": "transformers", "checkpoint": "y/smollm2-135m-instruct"}, None]
    given = {"model": "student", "scores": []}
    line.put("other", "evaluate", "scores", given, models={"student": student})
    book = ledger(gather(line.store))
    assert (len(book.columns), book.models) == (5, 4)


def test_a_metric_that_a_model_lacks_is_none(shelf: Shelf) -> None:
    put_scores(shelf, "one", Score(name="rte.acc", value=0.5, n=4))
    put_scores(shelf, "two", Score(name="wic.acc", value=0.6, n=4))
    scores = {line.metric: line.scores for line in ledger(gather(shelf.store)).lines}
    assert scores["rte.acc"][1] is None
    assert scores["wic.acc"][0] is None


def test_a_name_used_twice_keeps_both_scores(shelf: Shelf) -> None:
    first, second = (Score(name="rte.acc", value=value, n=4) for value in (0.1, 0.9))
    put_scores(shelf, "one", first, second)
    assert [line.scores for line in ledger(gather(shelf.store)).lines] == [[first], [second]]


def test_each_note_is_listed_once(line: Shelf) -> None:
    notes = ledger(gather(line.store)).notes
    assert len(notes) == len(set(notes)) == 3


def test_a_note_is_shared_only_when_every_score_has_it(shelf: Shelf) -> None:
    put_scores(
        shelf,
        "one",
        Score(name="a", value=1, n=1, note="x"),
        Score(name="b", value=1, n=1, note="x"),
    )
    put_scores(shelf, "two", Score(name="a", value=1, n=1, note="x"), Score(name="b", value=1, n=1))
    assert [line.shared_note for line in ledger(gather(shelf.store)).lines] == ["x", ""]


def test_parts_and_repetitions_of_a_metric_are_not_drawn(shelf: Shelf) -> None:
    names = ["loss.x", "perplexity.x", "preferences.x.sum", "preferences.x.sum.single_turn",
             "mt_bench", "mt_bench.turn_1", "rte.acc", "rte.acc_norm"]  # fmt: skip
    put_scores(shelf, "one", *(Score(name=name, value=1, n=1) for name in names))
    drawn = [line.metric for line in main_lines(ledger(gather(shelf.store)))]
    assert drawn == ["loss.x", "preferences.x.sum", "mt_bench", "rte.acc"]


def test_a_metric_without_any_value_is_not_drawn(shelf: Shelf) -> None:
    put_scores(shelf, "one", Score(name="mt_bench", value=None, n=0, missing=9))
    assert main_lines(ledger(gather(shelf.store))) == []


def test_one_evaluation_does_not_crowd_out_the_others(shelf: Shelf) -> None:
    many = [Score(name=f"loss.{number}", value=1, n=1) for number in range(20)]
    put_scores(shelf, "one", *many, Score(name="rte.acc", value=1, n=1))
    drawn = [line.metric for line in main_lines(ledger(gather(shelf.store)))]
    assert drawn == ["loss.0", "loss.1", "loss.2", "rte.acc"]
