"""Text of any origin is shown as it is: no heading, list, link, table, HTML or fence of its own."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openbezoar.cards.markdown import LONGEST, amount, code, fenced, plain, table
from tests.cards.conftest import READER, kinds

MARKS = st.sampled_from([*"`*_~#|<>[]()!-+=&\\:\n\t0.$", "```", "---", "<b>", "](", "é", "\x1b"])
HOSTILE = st.lists(MARKS | st.text(max_size=3), max_size=30).map("".join)


def said(text: str) -> str:
    """What a reader sees of one paragraph."""
    inline = [token for token in READER.parse(text) if token.type == "inline"]
    return "".join(child.content for token in inline for child in token.children or [])


@given(HOSTILE)
@example("- item")
@example("1. one")
@example("# heading")
@example("===")
@example("---\nlicense: mit\n---")
@example("<script>alert(1)</script>")
@example("[click](javascript:alert(1))")
@example("![x](http://example.com/x.png)")
@example("&lt;b&gt; &#60;")
def test_any_text_is_one_line_of_plain_words(text: str) -> None:
    assert kinds(READER.parse(f"- {plain(text)} end")) == kinds(READER.parse("- words end"))
    assert kinds(READER.parse(f"{plain(text)} end")) == kinds(READER.parse("words end"))


@given(st.text(alphabet="ab`*_#|<>&[]()!~-\\.1", max_size=40))
def test_every_character_is_shown_as_itself(text: str) -> None:
    assert said(f"x {plain(text)} x").split() == f"x {text} x".split()


@given(HOSTILE, HOSTILE)
@example("a | b", "a | b")
def test_a_table_has_the_cells_it_was_given(first: str, second: str) -> None:
    made = READER.parse(table(["a", "b"], [[first, "last"], [code(second), "last"]]))
    cells = [after for before, after in pairwise(made) if before.type == "td_open"]
    assert len(cells) == 4
    assert [cell.content for cell in cells[1::2]] == ["last", "last"]
    assert not {"html_inline", "html_block", "link_open", "image"} & set(kinds(made))


@given(HOSTILE)
@example("```\n# out")
def test_a_block_of_code_ends_where_it_ends(text: str) -> None:
    made = READER.parse(f"{fenced(text, 'yaml')}\n\nend")
    assert [token.type for token in made][:2] == ["fence", "paragraph_open"]
    assert "\x1b" not in made[0].content


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0"), (1234567, "1,234,567"), (0.00012345, "0.0001234"), (-1.5, "-1.5")],
)
def test_what_is_absent_is_a_dash_and_never_a_zero(value: float | None, shown: str) -> None:
    assert amount(value) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain("a" * 10_000) == "a" * LONGEST + "…"
