"""The ledger of a checkpoint that no train stage left."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openbezoar.evaluations.ledger import CheckpointLedger
from openbezoar.evaluations.perplexity import Perplexity
from openbezoar.families import Subject
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Example, Score
from tests.conftest import turns

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk


def rows(*answers: str) -> list[Example]:
    return [Example(id=f"row-{text[:5]}", messages=turns("Why?", text)) for text in answers]


def measured(desk: "Desk", subject: Subject, **settings: object) -> dict[str, Score]:
    part = CheckpointLedger.model_validate({"precision": "float32", **settings})
    return {score.name: score for score in part.measure(subject, desk.bench())}


def test_the_loss_is_that_of_the_first_rows_of_each_data_set(
    desk: "Desk", subject: Subject
) -> None:
    desk.put("one", rows("yes", "no", "never"), "examples data set", "valid.jsonl")
    desk.put("two", rows("maybe", "often"), "examples data set", "valid.jsonl")
    desk.put("first two", rows("yes", "no"), "examples data set", "valid.jsonl")
    found = measured(desk, subject, data=("one", "two"), rows=2, answers=0)
    assert list(found) == [
        "ledger.loss.one", "ledger.perplexity.one", "ledger.loss.two", "ledger.perplexity.two"
    ]  # fmt: skip
    alone = Perplexity(data="first two", precision="float32").measure(subject, desk.bench())
    for score, other in zip(list(found.values())[:2], alone, strict=True):
        assert score.value == pytest.approx(other.value, rel=1e-5)
        assert score.n == 2
    assert [note["id"] for note in desk.notes("items.jsonl")[:4]] == [
        "row-yes", "row-no", "row-maybe", "row-often"
    ]  # fmt: skip


def test_answers_are_scored_with_their_interval_and_kept(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.student = ScriptedModel(lambda request: "I cannot help with that.")
    found = measured(desk, paper_subject, answers=4)
    assert {name: score.value for name, score in found.items()} == {
        "ledger.stopped": 1, "ledger.tokens": 5, "ledger.refusals": 1, "ledger.repetition": 0
    }  # fmt: skip
    assert [score.arrow for score in found.values()] == ["↑", "", "↓", "↓"]
    assert found["ledger.stopped"].settings["asked"] == 4
    assert [note["refusal"] for note in desk.notes("items.jsonl")] == ["refusal"] * 4
    assert desk.notes("transcripts.jsonl")[0]["answer"] == "I cannot help with that."


def test_a_row_without_room_counts_as_missing(desk: "Desk", subject: Subject) -> None:
    desk.put("one", rows("yes", "n" * 2000), "examples data set", "valid.jsonl")
    found = measured(desk, subject, data=("one",), answers=0)
    assert (found["ledger.loss.one"].n, found["ledger.loss.one"].missing) == (1, 1)
    assert "missing" in desk.notes("items.jsonl")[1]


def test_nothing_is_loaded_where_nothing_is_measured(desk: "Desk", tmp_path: Path) -> None:
    nowhere = Subject("gone", tmp_path / "gone", "print")
    assert measured(desk, nowhere, answers=0) == {}
    desk.put("one", rows("yes"), "examples data set", "valid.jsonl")
    assert measured(desk, nowhere, data=("one",), rows=0, answers=0) == {}
