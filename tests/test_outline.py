"""Whatever is nested is shown whole, and what is alike stands in columns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.outline import cell, outline

names = st.text("abcdef", min_size=1, max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
nested = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3)
)


def leaves(value: Any) -> list[Any]:
    """Every value that holds no other."""
    below = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return [value]
    return [leaf for one in below for leaf in leaves(one)]


@given(st.dictionaries(names, nested, min_size=1, max_size=5))
def test_no_value_is_left_out(value: dict[str, Any]) -> None:
    shown = outline(value)
    assert all(cell(leaf) in shown for leaf in leaves(value))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"rows": 3, "loss": 0.123456}, "rows: 3\nloss: 0.1235"),
        ({"rejected": {"too short": 3}}, "rejected:\n  too short: 3"),
        ({"rejected": {}, "hits": [], "note": None}, "rejected: none\nhits: none\nnote: -"),
        ({"interval": [0.9, 0.97], "names": ["a"]}, "interval: 0.9, 0.97\nnames: a"),
        (
            {"filters": [{"filter": "length", "kept": 12}, {"filter": "judged", "kept": 7}]},
            "filters:\n  filter  kept\n  length  12\n  judged  7",
        ),
        (
            {"tasks": {"piqa": {"found": 0, "rows": 1}, "boolq": {"found": 20, "rows": 3}}},
            "tasks:\n         found  rows\n  piqa   0      1\n  boolq  20     3",
        ),
        (
            {"auc": {"junk": 1.0}, "model": "proxy", "n": {"real": 16, "junk": 15}},
            "      auc  n\nreal  -    16\njunk  1    15\nmodel: proxy",
        ),
        (
            {"parts": [{"kind": "a", "of": {"x": 1}}, {"kind": "b"}]},
            "parts:\n  - kind: a\n    of:\n      x: 1\n  - kind: b",
        ),
        ({"text": "one\ntwo: 2"}, "text: one\\ntwo: 2"),
    ],
    ids=["plain", "below", "none", "list", "rows", "named rows", "columns", "unlike", "lines"],
)
def test_alike_is_a_table_and_unlike_an_outline(value: dict[str, Any], shown: str) -> None:
    assert outline(value) == shown


def test_what_would_be_too_wide_for_a_table_is_an_outline() -> None:
    rows: Any = [{"id": "a", "span": "x" * 200}, {"id": "b", "span": "y"}]
    assert outline({"hits": rows}).splitlines()[1:3] == ["  - id: a", f"    span: {'x' * 200}"]
