"""Progress is told seldom enough to be read."""

import io

from openbezoar.progress import Teller


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


def test_text_from_rows_cannot_move_the_cursor() -> None:
    stream = Terminal()
    Teller(stream)("rows", "a\x1b[31mred\rback\nnew")
    assert stream.getvalue() == "\r\x1b[2Krows: a [31mred back new"
