"""What a train stage leaves behind is measured on rows and questions that stay the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.records import Example
from openbezoar.stages.ledger import Graduate, Ledger
from openbezoar.stages.lessons import Lesson, lessons_behind
from openbezoar.training.adapters import Lora, attach_adapter, load_model
from openbezoar.training.format import Format
from tests.conftest import turns
from tests.stages.test_lessons import Shelf

Put = Callable[..., Lesson]


@pytest.fixture
def graduate(tiny_checkpoint: Path) -> Graduate:
    model = attach_adapter(load_model(tiny_checkpoint, precision="float32"), Lora(dropout=0))
    return Graduate("here", model, Format.for_training(tiny_checkpoint), 4096)


@pytest.fixture
def lesson(tmp_path: Path) -> Put:
    """A lesson of some validation rows, and what its ledger said."""

    def put(stage: str, data: str, *answers: str, ledger: Any = None) -> Lesson:
        shelf = Shelf(tmp_path)
        made = shelf.put(data, "examples data set")
        made.folder.mkdir(exist_ok=True)
        rows = [Example(id=text, messages=turns("Why?", text)) for text in answers]
        text = "".join(row.model_dump_json() + "\n" for row in rows)
        (made.folder / "valid.jsonl").write_text(text, encoding="utf-8")
        shelf.learn(stage, "student", data, ledger)
        return lessons_behind(stage, shelf.bench())[0]

    return put


def end_at_once(graduate: Graduate) -> None:
    """Make EOS the likeliest token wherever an answer begins."""
    table = graduate.model.get_base_model().get_output_embeddings()
    with torch.no_grad():
        hidden = (
            graduate.model.get_base_model()
            .get_decoder()(input_ids=torch.tensor([graduate.format.prompt(turns("Why?"))]))
            .last_hidden_state[0, -1]
        )
        table.weight[graduate.format.tokenizer.eos_token_id] = 10 * hidden


def test_the_loss_of_each_lesson_is_told_with_its_rows(graduate: Graduate, lesson: Put) -> None:
    lessons = [lesson("first", "one", "yes", "no"), lesson("second", "two", "maybe")]
    found: Any = Ledger(answers=0, rows=8).measure(graduate, lessons)
    assert list(found["losses"]) == ["one", "two"]
    assert found["figures"] == {}
    one = found["losses"]["one"]
    assert (one["rows"], one["tokens"]) == (2, 4 + 3)
    assert 4 < one["loss"] < 7, "a random model over 259 tokens"
    assert one["standard_error"] > 0
    assert found["losses"]["two"]["standard_error"] is None
    assert Ledger(answers=0, rows=0).measure(graduate, lessons)["losses"] == {}


def test_forgetting_is_the_rise_since_the_lesson_was_learned(
    graduate: Graduate, lesson: Put
) -> None:
    now: Any = Ledger(answers=0).measure(graduate, [lesson("first", "one", "yes")])
    then = {"losses": {"one": {**now["losses"]["one"], "loss": now["losses"]["one"]["loss"] - 1}}}
    lessons = [lesson("first", "one", "yes", ledger=then), lesson("second", "two", "no")]
    found: Any = Ledger(answers=0).measure(graduate, lessons)
    assert found["losses"]["one"]["since"] == "first"
    assert found["losses"]["one"]["change"] == pytest.approx(1)
    assert "change" not in found["losses"]["two"]


def test_losses_of_other_rows_are_not_compared(graduate: Graduate, lesson: Put) -> None:
    then = {"losses": {"one": {"loss": 1.0, "rows": 5, "tokens": 99}}}
    lessons = [lesson("first", "one", "yes", ledger=then), lesson("second", "two", "no")]
    found: Any = Ledger(answers=0).measure(graduate, lessons)
    assert "change" not in found["losses"]["one"]


def test_a_lesson_learned_twice_is_told_once_and_compared_with_the_first_time(
    graduate: Graduate, lesson: Put
) -> None:
    now: Any = Ledger(answers=0).measure(graduate, [lesson("sft", "one", "yes")])
    again = [lesson("sft", "one", "yes", ledger=now), lesson("dpo", "one", "yes")]
    found: Any = Ledger(answers=0).measure(graduate, again)
    assert found["losses"]["one"]["since"] == "sft"
    assert found["losses"]["one"]["change"] == 0


def test_a_data_set_without_validation_rows_has_no_loss(graduate: Graduate, lesson: Put) -> None:
    then = {"losses": {"one": {"loss": None, "rows": 0, "tokens": 0}}}
    lessons = [lesson("first", "one", ledger=then), lesson("second", "two")]
    found: Any = Ledger(answers=0).measure(graduate, lessons)
    nothing = dict.fromkeys(("loss", "standard_error", "low", "high"), None)
    nothing |= {"rows": 0, "tokens": 0}
    assert found["losses"] == {"one": nothing, "two": nothing}


def test_answers_are_measured_and_the_same_every_time(graduate: Graduate) -> None:
    ledger = Ledger(rows=0, answers=3, max_tokens=4)
    found: Any = ledger.measure(graduate, [])
    figures = found["figures"]
    assert list(figures) == ["stopped", "tokens", "refusals", "repetition"]
    assert (figures["stopped"]["n"], figures["stopped"]["missing"]) == (3, 0)
    assert figures["tokens"]["value"] <= 4
    assert figures["refusals"]["value"] == 0
    assert found["asked"]["max_tokens"] == 4
    assert ledger.measure(graduate, []) == found
    json.dumps(found, allow_nan=False)


def test_an_answer_that_ends_counts_as_stopped(graduate: Graduate) -> None:
    ledger = Ledger(rows=0, answers=4, max_tokens=6)
    before: Any = ledger.measure(graduate, [])["figures"]
    end_at_once(graduate)
    after: Any = ledger.measure(graduate, [])["figures"]
    assert before["stopped"]["value"] == 0
    assert before["tokens"]["value"] == 6
    assert after["stopped"]["value"] > 0
    assert after["tokens"]["value"] < 6


def test_questions_that_the_model_has_no_room_for_are_missing(graduate: Graduate) -> None:
    found: Any = Ledger(rows=0, answers=2, max_tokens=2048).measure(graduate, [])["figures"]
    assert (found["stopped"]["n"], found["stopped"]["missing"]) == (0, 2)
    assert found["stopped"]["value"] is None
