"""Rows refuse what they are not, and say who spoke when."""

import pytest
from pydantic import ValidationError

from openbezoar.records import Example, Message, Preference, Seed
from tests.conftest import turns

SYSTEM = Message(role="system", content="Be brief.")


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (SYSTEM,),
        turns("Hello"),
        (*turns("Hello"), *turns("Hello")),
        turns("Hello", "Hi")[1:],
        (*turns("Hello", "Hi"), SYSTEM, *turns("Hello", "Hi")),
    ],
    ids=["nothing", "system alone", "no answer", "user twice", "assistant first", "system inside"],
)
def test_an_example_must_alternate_and_end_with_an_answer(messages: tuple[Message, ...]) -> None:
    with pytest.raises(ValidationError, match="turn"):
        Example(id="a", messages=messages)


def test_an_example_knows_its_system_message_instruction_and_answer() -> None:
    example = Example(id="a", messages=(SYSTEM, *turns("One?", "1", "Two?", "2")))
    assert (example.system, example.instruction, example.answer) == ("Be brief.", "Two?", "2")


def test_an_example_without_a_system_message_has_an_empty_one(example: Example) -> None:
    assert example.system == ""


def test_a_preference_must_end_with_the_user() -> None:
    with pytest.raises(ValidationError, match="must end with a turn by user"):
        Preference(id="a", prompt=turns("Hello", "Hi"), chosen="x", rejected="y")


def test_a_seed_joins_instruction_and_context() -> None:
    assert Seed(id="a", instruction="Sum up.", context="Long text.").prompt == (
        "Sum up.\n\nLong text."
    )
    assert Seed(id="a", instruction="Sum up.").prompt == "Sum up."


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "", "instruction": "x"},
        {"id": "a", "instruction": ""},
        {"id": "a", "instruction": "x", "colour": "blue"},
        {"id": "a", "instruction": "x", "details": {"score": float("nan")}},
    ],
    ids=["empty id", "empty instruction", "unknown field", "not a number"],
)
def test_a_row_refuses_what_it_does_not_know(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Seed.model_validate(fields)


def test_a_row_cannot_be_changed(example: Example) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        example.id = "other"  # type: ignore[misc]
