"""The ledgers of train stages as one table: lessons in the order in which they were learned."""

from openbezoar.report.contents import gather
from openbezoar.report.courses import courses
from openbezoar.report.forgetting import forgetting
from tests.report.conftest import Shelf


def test_a_lesson_still_to_come_is_left_empty(line: Shelf) -> None:
    found = forgetting(courses(gather(line.store)))
    assert found.lessons == ["lamini_data", "pairs_data"]
    first, second = found.lines
    assert (first.stage, first.losses[1]) == ("sft_adapter", None)
    assert [loss.change for loss in second.losses if loss] == [0.072, None]
    assert second.answers.stopped == 5


def test_stages_without_a_ledger_are_left_out(shelf: Shelf) -> None:
    numbers = {"rows": 1, "steps": 1, "tokens": 9, "first_loss": 2.0, "last_loss": 1.0}
    shelf.put("old", "train", "adapter", numbers, files={"metrics.jsonl": []})
    shelf.put("silent", "train", "adapter", {**numbers, "ledger": {"losses": {}, "answers": {}}})
    found = forgetting(courses(gather(shelf.store)))
    assert [line.stage for line in found.lines] == ["silent"]
    assert found.lines[0].answers.n == 0
