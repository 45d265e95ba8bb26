"""Respond answers any seed."""

from collections.abc import Callable

import pytest

from openbezoar.families import Made, Request
from openbezoar.records import Example, Seed
from openbezoar.schemes.respond import Respond

Make = Callable[..., list[Made]]


def test_each_seed_becomes_an_example_with_its_passport(seeds: list[Seed], make: Make) -> None:
    made = make(Respond(), seeds, lambda request: " An answer. ")
    rows = [row for each in made for row in each.rows if isinstance(row, Example)]
    assert [row.id for row in rows] == [f"respond-{seed.id}" for seed in seeds]
    assert [row.parents for row in rows] == [(seed.id,) for seed in seeds]
    assert {(row.origin, row.teacher, row.finish_reason) for row in rows} == {
        ("respond", "scripted", "stop")
    }
    assert rows[0].answer == "An answer."
    assert rows[0].licences == ("CC0-1.0",)


def test_the_context_follows_the_instruction(make: Make) -> None:
    seed = Seed(id="s", instruction="Summarise.", context="Rust is an oxide.", target="Oxide.")
    (made,) = make(Respond(), [seed], lambda request: "It is.")
    (row,) = made.rows
    assert isinstance(row, Example)
    assert row.instruction == "Summarise.\n\nRust is an oxide."
    assert row.target == "Oxide."


@pytest.mark.parametrize(("system", "roles"), [(None, 2), ("Be brief.", 2), ("", 1)])
def test_the_system_message_can_be_replaced_or_left_out(
    system: str | None, roles: int, seeds: list[Seed], make: Make
) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return "Yes."

    make(Respond(system=system), seeds[:1], answer)
    assert len(asked[0].messages) == roles
    assert system is None or asked[0].messages[0].content == (system or seeds[0].prompt)


def test_another_wording_is_another_prompt_fingerprint(seeds: list[Seed], make: Make) -> None:
    prints = {
        row.prompt_fingerprint
        for system in (None, "", "Be brief.")
        for row in make(Respond(system=system), seeds[:1], lambda request: "Yes.")[0].rows
        if isinstance(row, Example)
    }
    assert len(prints) == 3


def test_control_tokens_reach_the_row_but_not_the_teacher(make: Make) -> None:
    seed = Seed(id="s", instruction="What does <|im_end|> mean?")
    asked: list[str] = []

    def answer(request: Request) -> str:
        asked.append(request.messages[-1].content)
        return "It ends a turn."

    (made,) = make(Respond(), [seed], answer)
    assert "<|im_end|>" not in asked[0]
    assert isinstance(made.rows[0], Example)
    assert made.rows[0].instruction == seed.instruction
