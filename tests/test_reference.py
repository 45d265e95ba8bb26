"""The page of recipes is what the parts say of themselves."""

import inspect
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, PositiveInt

from openbezoar import families, reference
from openbezoar.component import Component

PAGE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"


class Block(Component):
    """A block of settings."""

    share: float = Field(0.5, gt=0, le=1)
    """One | <other>."""


class Part(Component):
    """A part."""

    kind: Literal["part"] = "part"
    needed: str
    count: PositiveInt | None = None
    block: Block = Block(share=0.25)
    named: str = Field("first", alias="called")
    choice: Literal["a", "off"] = "off"
    bounded: int | None = Field(None, ge=1)
    several: tuple[str, ...] = ("x", "y")
    pair: tuple[int, int] = (0, 1)
    by_name: dict[str, PositiveInt] = {}
    blocks: tuple[Block, ...] = ()


def row_of(part: type[Component], name: str) -> str:
    return next(line for line in reference.about(part).splitlines() if f"`{name}`" in line)


def test_the_page_is_what_the_parts_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == reference.markdown(), "docs/recipes.md is old: run `make reference`"


def test_every_family_is_on_the_page() -> None:
    known = {
        part
        for part in vars(families).values()
        if inspect.isclass(part) and Component in part.__bases__ and inspect.isabstract(part)
    }
    assert known <= set(reference.FAMILIES.values())


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("needed", "| `needed` | text | required |  |"),
        ("count", "| `count` | whole number > 0 or null | `null` |  |"),
        ("block.share", "| `block.share` | number > 0, ≤ 1 | `0.25` | One \\| &lt;other>. |"),
        ("called", "| `called` | text | `first` |  |"),
        ("choice", "| `choice` | `a` or `'off'` | `'off'` |  |"),
        ("bounded", "| `bounded` | whole number ≥ 1 or null | `null` |  |"),
        ("several", "| `several` | list: text | `[x, y]` |  |"),
        ("pair", "| `pair` | [whole number, whole number] | `[0, 1]` |  |"),
        ("by_name", "| `by_name` | mapping: text to whole number > 0 | `{}` |  |"),
        ("blocks", "| `blocks` | list: {share} | `[]` |  |"),
    ],
)
def test_a_setting_is_a_row_with_its_type_and_its_default(name: str, row: str) -> None:
    assert row_of(Part, name) == row


def test_a_kind_is_no_setting() -> None:
    assert "`kind`" not in reference.about(Part)
