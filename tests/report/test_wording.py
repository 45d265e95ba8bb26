"""How numbers, times, money and names are written on the page."""

from typing import Any

import pytest
from markupsafe import Markup

from openbezoar.records import Score
from openbezoar.report import wording


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0.0, "0.000"), (12, "12"), (1234567, "1,234,567"), (123.456, "123.5"),
     (1234.5, "1,234"), (-0.25, "-0.250")],
)  # fmt: skip
def test_numbers_are_shown_for_people(value: float | None, shown: str) -> None:
    assert wording.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0, "0.0 s"), (0.004, "< 0.1 s"), (4.26, "4.3 s"), (75, "1 min 15 s"),
     (3720, "1 h 2 min")],
)  # fmt: skip
def test_durations_are_shown_for_people(seconds: float | None, shown: str) -> None:
    assert wording.duration(seconds) == shown


@pytest.mark.parametrize(
    ("usage", "shown"),
    [({}, "-"), ({"unpriced": 1}, "unknown"), ({"usd": 0}, "$0.00"), ({"usd": 0.0123}, "$0.0123"),
     ({"usd": 1234.5, "unpriced": 2}, "$1,234.50 and an unknown part")],
)  # fmt: skip
def test_money_that_nobody_knows_is_never_a_zero(usage: dict[str, float], shown: str) -> None:
    assert wording.money(usage) == shown


@pytest.mark.parametrize(
    ("usage", "shown"),
    [({}, "-"), ({"tokens_in": 1200}, "1,200"), ({"tokens_in": 0, "uncounted": 3}, "unknown"),
     ({"tokens_in": 1200, "uncounted": 1}, "1,200 or more")],
)  # fmt: skip
def test_tokens_that_no_server_counted_are_never_a_zero(
    usage: dict[str, int | float], shown: str
) -> None:
    assert wording.tokens(usage, "tokens_in") == shown


@pytest.mark.parametrize(
    ("megabytes", "shown"), [(None, "-"), (53.4, "53 MB"), (1007, "1.0 GB"), (2622, "2.6 GB")]
)
def test_memory_is_shown_for_people(megabytes: float | None, shown: str) -> None:
    assert wording.memory(megabytes) == shown


def test_a_standard_error_stands_in_for_an_interval() -> None:
    score = Score(name="a", value=1, n=2, standard_error=0.5)
    assert wording.interval(score) == "standard error 0.500"


def test_a_long_message_is_cut() -> None:
    assert wording.cut("x" * 501) == "x" * 500 + "…"


def test_a_name_may_break_and_adds_no_element() -> None:
    assert wording.breakable("a.b_<i>\u202e") == "a.<wbr>b_<wbr>&lt;i&gt;\\u202e"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a\x1b[2J\u202eb\nc\td", "a\\x1b[2J\\u202eb\nc\td"), ("\ud800", "\\ud800"), (5, 5),
     (Markup("\u202e"), "\u202e")],
)  # fmt: skip
def test_what_could_steer_a_screen_is_made_visible(value: Any, shown: Any) -> None:
    assert wording.plain(value) == shown


def test_settings_are_shown_as_a_recipe_has_them() -> None:
    assert wording.settings({"source": {"rows_of": "seeds"}}) == "source:\n  rows: seeds\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("state it with `licences` of <b>", "state it with <code>licences</code> of &lt;b&gt;"),
        ("`<i>` and `b`", "<code>&lt;i&gt;</code> and <code>b</code>"),
        ("a lone ` stays", "a lone ` stays"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_names_in_backticks_are_in_the_font_of_code_and_nothing_else_is(
    text: str, shown: str
) -> None:
    assert wording.with_code(text) == Markup(shown)  # noqa: S704 - what is expected
