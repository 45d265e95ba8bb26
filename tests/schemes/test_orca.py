"""Orca: sampled tasks, system messages, and rows with the published fields."""

from collections import Counter
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from openbezoar.families import Draw, Made, Request, random_for
from openbezoar.records import Example, Seed
from openbezoar.schemes.orca import Orca
from openbezoar.schemes.system_messages import system_messages

Make = Callable[..., list[Made]]

NAMES = ("cot", "niv2", "t0", "flan2021")


@pytest.fixture
def flan() -> list[Seed]:
    return [
        Seed(
            id=f"{name}-{task}-{place}",
            origin="flan",
            instruction=f"Solve riddle {place}.",
            target=f"answer {place}",
            sub_collection=name,
            task=f"{name}_{task}",
            template_type="zs_noopt",
        )
        for name in NAMES
        for task in range(3)
        for place in range(10)
    ]


def draws(scheme: Orca, seeds: list[Seed]) -> list[Draw]:
    return list(scheme.draws(seeds, random_for(1)))


def test_every_sub_collection_gets_its_count(flan: list[Seed]) -> None:
    drawn = draws(Orca(counts={"cot": 4, "niv2": 7}), flan)
    assert Counter(draw.seeds[0].sub_collection for draw in drawn) == {"cot": 4, "niv2": 7}
    assert len({draw.id for draw in drawn}) == 11


def test_no_task_gives_more_than_its_cap(flan: list[Seed]) -> None:
    drawn = draws(Orca(per_task=2), flan)
    assert set(Counter(draw.seeds[0].task for draw in drawn).values()) == {2}


def test_a_larger_total_keeps_the_earlier_draws(flan: list[Seed]) -> None:
    assert draws(Orca(total=50), flan)[:20] == draws(Orca(total=20), flan)


def test_few_shot_templates_are_left_out(flan: list[Seed]) -> None:
    few = flan[0].model_copy(update={"id": "few", "template_type": "fs_opt"})
    none = flan[0].model_copy(update={"id": "none", "template_type": ""})
    assert [draw.seeds[0].id for draw in draws(Orca(), [few, none])] == ["none"]


def test_counts_and_total_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="either counts or total"):
        Orca(counts={"cot": 1}, total=1)


def test_each_row_carries_the_published_fields(flan: list[Seed], make: Make) -> None:
    made = make(Orca(counts={"t0": 12}), flan, lambda request: "Since so, answer 1.")
    messages = system_messages("ours")
    for row in (row for each in made for row in each.rows):
        assert isinstance(row, Example)
        number = row.details["system_message_id"]
        assert isinstance(number, int)
        assert row.system == row.details["system_message"] == messages[number]
        assert row.details["inputs"] == row.instruction
        assert row.details["explained_targets"] == row.answer == "Since so, answer 1."
        assert row.details["targets"] == row.target
        assert row.details["task_source"] == "P3"
        assert flan[row.details["original_index"]].id == row.parents[0]  # type: ignore[index]
    assert sum(len(each.rows) for each in made) == 12


def test_the_empty_system_message_is_left_out(flan: list[Seed], make: Make) -> None:
    made = make(Orca(), flan, lambda request: "So.")
    rows = [row for each in made for row in each.rows if isinstance(row, Example)]
    first = [row for row in rows if row.details["system_message_id"] == 1]
    assert first
    assert all(len(row.messages) == 2 for row in first)
    assert all(len(row.messages) == 3 for row in rows if row not in first)


@pytest.mark.parametrize("show", [False, True])
def test_the_teacher_sees_the_target_only_when_told_to(
    show: bool, flan: list[Seed], make: Make
) -> None:
    asked: list[str] = []

    def answer(request: Request) -> str:
        asked.append(request.messages[-1].content)
        return "So."

    (made,) = make(Orca(show_target=show, total=1), flan[:1], answer)
    assert ("answer 0" in asked[0]) is show
    assert isinstance(made.rows[0], Example)
    assert made.rows[0].instruction == "Solve riddle 0."


def test_wording_and_prompt_are_part_of_the_evidence() -> None:
    assert Orca().evidence() != Orca(show_target=True).evidence()
