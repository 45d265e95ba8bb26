"""A part is found by its kind, refuses what it does not know, and is hashed by its science."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import JsonValue, ValidationError

from openbezoar.component import (
    WRITTEN,
    Component,
    Runtime,
    digest,
    discover,
    logistics,
    nearest,
    science,
    written,
)
from openbezoar.families import Objective, Stage
from openbezoar.reference import FAMILIES


class Machine(Runtime):
    """Where it runs."""

    threads: int = 1


class Inner(Component):
    """A part inside a part."""

    share: float = 0.5
    runtime: Machine = Machine()


class Licensed(Component):
    """A part with a licence."""

    name: str = "one"
    licence: str = ""


class Outer(Component):
    """A part with a part, and a list of them."""

    kind: Literal["outer"] = "outer"
    inner: Inner = Inner()
    several: tuple[Inner, ...] = (Inner(),)
    runtime: Machine = Machine()


def test_a_familys_folder_gives_its_parts_by_kind() -> None:
    assert list(discover("openbezoar.objectives", Objective)) == ["dpo", "sft"]
    assert list(discover("openbezoar.stages", Stage)) == [
        "evaluate",
        "filter",
        "generate",
        "merge",
        "mix",
        "source",
        "train",
    ]


@pytest.mark.parametrize(
    "other",
    [
        Outer(runtime=Machine(threads=8)),
        Outer(inner=Inner(runtime=Machine(threads=8))),
        Outer(several=(Inner(runtime=Machine(threads=8)),)),
    ],
)
def test_runtime_blocks_are_no_science(other: Outer) -> None:
    assert science(other) == science(Outer())


def test_runtime_blocks_are_found_by_their_place() -> None:
    busy = {"threads": 8}
    part = Outer(several=(Inner(), Inner(runtime=Machine(threads=8))))
    assert logistics(part) == {
        "runtime": {"threads": 1},
        "inner.runtime": {"threads": 1},
        "several.0.runtime": {"threads": 1},
        "several.1.runtime": busy,
    }


def test_a_licence_is_no_science() -> None:
    assert science(Licensed(licence="MIT")) == science(Licensed()) == {"name": "one"}


@pytest.mark.parametrize(
    "other",
    [
        Outer(inner=Inner(share=0.6)),
        Outer(several=(Inner(share=0.6),)),
        Outer(several=(Inner(), Inner())),
        Outer(several=()),
    ],
)
def test_any_other_setting_is_science(other: Outer) -> None:
    assert digest(science(other)) != digest(science(Outer()))


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text('ab\u2028"', max_size=3),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text("ab"), inner),
    max_leaves=5,
)


@given(JSON, JSON)
def test_different_values_have_different_digests(left: JsonValue, right: JsonValue) -> None:
    is_equal = left == right and repr(left) == repr(right)
    if is_equal:
        assert digest(left) == digest(right)
    elif left != right:
        assert digest(left) != digest(right)


def test_a_part_refuses_unknown_keys_and_changes() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Outer.model_validate({"colour": "blue"})
    with pytest.raises(ValidationError, match="frozen"):
        Outer().inner = Inner(share=1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("dop", ["dpo", "sft"], " (did you mean 'dpo'?)"),
        ("rows", ["dpo", "sft"], " (known: dpo, sft)"),
        ("rows", [], ""),
    ],
)
def test_a_misspelt_word_gets_the_nearest_or_the_known_ones(
    word: str, known: list[str], hint: str
) -> None:
    assert nearest(word, known) == hint


def test_every_name_that_a_recipe_has_for_itself_is_known() -> None:
    parts = [
        part
        for folder, family in FAMILIES.items()
        for part in discover(f"openbezoar.{folder}", family).values()
    ]
    fields = [(name, field) for part in parts for name, field in part.model_fields.items()]
    assert {name: field.alias for name, field in fields if field.alias} == WRITTEN


def test_settings_are_written_as_in_a_recipe() -> None:
    held: JsonValue = {"sources": [{"rows_of": "seeds"}], "rows": 2}
    assert written(held) == {"sources": [{"rows": "seeds"}], "rows": 2}
