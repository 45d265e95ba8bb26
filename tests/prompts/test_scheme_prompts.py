"""Each prompt of the schemes renders exactly as its golden file says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar import prompts
from openbezoar.schemes.evolving import OPERATIONS

GOLDEN = Path(__file__).parent / "golden"
DEMONSTRATIONS = ["Name a fruit.", "Why is ice slippery?", "Describe a walk."]
LIST = {"demonstrations": DEMONSTRATIONS, "ask": 20}
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "lamini_markers": ("lamini_markers", {**LIST, "topics": ""}),
    "lamini_markers_topics": ("lamini_markers", {**LIST, "topics": "Tides, Rust, Bees"}),
    "lamini_schema": ("lamini_schema", {**LIST, "topics": ""}),
    "lamini_schema_topics": ("lamini_schema", {**LIST, "topics": "Tides, Rust, Bees"}),
    "respond_system": ("respond_system", {}),
    "evol_in_breadth": ("evol_in_breadth", {"given": "Name a fruit."}),
    "evol_equality": ("evol_equality", {"first": "Name a fruit.", "second": "Name two."}),
    "orca_with_target": ("orca_with_target", {"inputs": "2 + 2?", "target": "4"}),
    **{
        f"evol_in_depth_{operation}": (
            "evol_in_depth",
            {"given": "Name a fruit.", "operation": operation},
        )
        for operation in (*OPERATIONS, "complicate-input")
    },
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_prompt_renders_as_its_golden_file(case: str) -> None:
    name, fields = CASES[case]
    golden = GOLDEN / f"{case}.txt"
    assert prompts.render(name, **fields) + "\n" == golden.read_text(encoding="utf-8")


def test_every_prompt_of_a_scheme_has_a_golden_rendering() -> None:
    prefixes = ("lamini_", "respond_", "evol_", "orca_")
    ours = {name for name in prompts.names() if name.startswith(prefixes)}
    assert ours == {name for name, _ in CASES.values()}


@given(st.text(max_size=40).map(lambda text: "{{ 7 * 7 }}{% if %}" + text))
def test_template_syntax_in_a_field_is_inserted_as_it_is(text: str) -> None:
    assert text.strip() in prompts.render("evol_in_breadth", given=text)
