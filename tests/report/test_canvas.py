"""What a picture is drawn on."""

import re

import pytest

from openbezoar.report.canvas import GOOD, canvas, plain_axes, short, svg


def test_stand_ins_become_colours_of_the_page() -> None:
    with canvas(1.0) as figure:
        plain_axes(figure).plot([0, 1], [0, 1], color=GOOD)
        text = svg(figure, "one")
    assert "stroke: var(--good)" in text
    assert not re.search("#0102", text)


def test_letters_that_the_font_lacks_are_left_to_the_browser() -> None:
    with canvas(1.0) as figure:
        figure.text(0, 0, "日本語")
        assert "日本語" in svg(figure, "one")


@pytest.mark.parametrize(
    ("text", "longest", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("a\u202eb\n", 9, "a?b?")]
)
def test_a_label_is_short_and_has_no_character_that_steers(
    text: str, longest: int, shown: str
) -> None:
    assert short(text, longest) == shown
