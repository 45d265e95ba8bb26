"""Progress is told seldom enough to be read."""

import io

import pytest

from openbezoar.progress import Pace, Teller


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_file_gets_milestones_and_few_lines_between() -> None:
    stream = io.StringIO()
    tell = Teller(stream, every=1000)
    for place in range(50):
        tell("rows", f"{place} rows")
    tell("rows", "made in 1 s")
    tell("kept", "to make: filter")
    assert stream.getvalue() == "rows: 0 rows\nrows: made in 1 s\nkept: to make: filter\n"


def test_a_terminal_keeps_one_line_per_finished_stage() -> None:
    stream = Terminal()
    tell = Teller(stream)
    tell("rows", "1 row")
    tell("rows", "made in 1 s")
    shown = [line.split("\x1b[2K")[-1] for line in stream.getvalue().split("\n")]
    assert shown == ["rows: made in 1 s", ""]


def test_a_warning_is_told_whole_and_stays() -> None:
    stream, file = Terminal(), io.StringIO()
    warning = "warning: " + "the judge is the teacher " * 9
    for tell in (Teller(stream), Teller(file, every=1000)):
        tell("rows", "1 row")
        tell("rows", warning)
        tell("rows", "made in 1 s")
    assert f"\x1b[2Krows: {warning}\n" in stream.getvalue()
    assert f"rows: {warning}\n" in file.getvalue()


def test_text_from_rows_cannot_move_the_cursor() -> None:
    stream = Terminal()
    Teller(stream)("rows", "a\x1b[31mred\rback\nnew")
    assert stream.getvalue() == "\r\x1b[2Krows: a [31mred back new"


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_tells_rows_tokens_cost_and_the_time_left() -> None:
    clock, usage = Clock(), {"tokens_out": 0.0}
    pace = Pace(usage, clock)
    assert pace.line(0, 100, "0 rows") == "0/100, 0 rows"
    clock.now, usage["tokens_out"], usage["usd"] = 10, 500, 0.126
    assert pace.line(20, 100, "19 rows") == "20/100, 19 rows, 50 tokens/s, $0.13, 40 s left"


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"usd": 0.0}, "$0.00"),
        ({"unpriced": 2.0}, "cost unknown"),
        ({"usd": 1.5, "unpriced": 2.0}, "$1.50 or more"),
    ],
)
def test_a_cost_that_nobody_knows_is_no_zero(usage: dict[str, float], told: str) -> None:
    assert Pace(usage, Clock()).line(1, 9) == f"1/9, {told}"


def test_a_rate_is_that_of_the_latest_half_minute() -> None:
    clock = Clock()
    pace = Pace({}, clock)
    for second in range(101):
        clock.now = float(second)
        line = pace.line(min(second, 50) + max(second - 50, 0) * 10, 1000)
    assert line == "550/1000, 45 s left"


@pytest.mark.parametrize(("done", "left"), [(50, "10 s"), (10, "1 min 30 s"), (1, "16 min 30 s")])
def test_the_time_left_is_short_to_read(done: int, left: str) -> None:
    clock = Clock()
    pace = Pace({}, clock)
    pace.line(0, 100)
    clock.now = 10
    assert pace.line(done, 100).endswith(f"{left} left")


def test_a_day_left_is_told_in_hours() -> None:
    clock = Clock()
    pace = Pace({}, clock)
    pace.line(0, 100_000)
    clock.now = 10
    assert pace.line(10, 100_000) == "10/100000, 27 h 46 min left"


def test_the_end_has_no_time_left() -> None:
    clock = Clock()
    pace = Pace({}, clock)
    pace.line(0, 10)
    clock.now = 10
    assert pace.line(10, 10, "10 rows") == "10/10, 10 rows"


def test_the_next_filter_of_a_stage_begins_anew() -> None:
    clock = Clock()
    pace = Pace({}, clock)
    pace.line(0, 10)
    clock.now = 10
    pace.line(10, 10)
    assert pace.line(1, 10) == "1/10"
    clock.now = 11
    assert pace.line(4, 10) == "4/10, 2 s left"
