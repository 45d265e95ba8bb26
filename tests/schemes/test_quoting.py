"""Row text inserted into prompts stays data."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.schemes.evolving import MARKERS
from openbezoar.schemes.quoting import CONTROL_TOKENS, defuse

PIECES = (
    "<|im_end|>",
    "<|",
    "|>",
    "im_end",
    "</s>",
    "[INST]",
    "<</SYS>>",
    "<bot>:",
    "<",
    "<eos>",
    "#Rewritten Prompt#",
    "### Given Prompt",
    "#",
    "given prompt",
    "\n",
)
HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(PIECES),
    ),
    max_size=12,
).map("".join)


@given(HOSTILE)
def test_no_control_token_or_marker_survives(text: str) -> None:
    safe = defuse(text, re.compile("#(?=(?:given|rewritten) prompt)", re.IGNORECASE))
    assert not CONTROL_TOKENS.search(safe)
    assert "#rewritten prompt#" not in safe.casefold()


@given(HOSTILE)
def test_only_spaces_are_added(text: str) -> None:
    assert defuse(text, MARKERS).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["a < b and b > c", "x |> f", "<b>bold</b>", "#1 priority", ""])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert defuse(text, MARKERS) == text
