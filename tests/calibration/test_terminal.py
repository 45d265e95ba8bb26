"""In the terminal one key is one answer, and nothing a row holds moves the cursor."""

import io
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from openbezoar.calibration.desk import Desk
from openbezoar.calibration.terminal import ask, keys_of, obey
from tests.calibration.conftest import row

Make = Callable[..., Desk]
Lines = Callable[[], list[dict[str, object]]]


def press(desk: Desk, *keys: str) -> str:
    screen = io.StringIO()
    obey(desk, keys, screen)
    return screen.getvalue()


def test_keys_answer_move_and_take_back(desk: Make, lines: Lines) -> None:
    press(desk(), "a", "\x1b[C", "r", "\x1b[D", "s", "u", "?", "\x1b[A", "\n")
    assert [(line["row"], line["label"]) for line in lines()] == [
        ("r0", "accept"), ("r2", "reject"), ("r0", "skip"), ("r0", "accept")
    ]  # fmt: skip


def test_q_stops_and_enter_ends_once_every_row_has_an_answer(desk: Make, lines: Lines) -> None:
    press(desk(), "a", "q", "r")
    assert len(lines()) == 1
    press(desk(), "\n", "a", "a", "\n", "u")
    assert [line["label"] for line in lines()] == ["accept"] * 3


def test_the_screen_tells_how_far_one_is_and_what_was_said(desk: Make) -> None:
    shown = press(desk(), "a", "\x1b[D")
    assert "kept  ██████████░░░░░░░░░░░░░░░░░░░░  1 of 3" in shown
    assert "row 1 of 3  r0  (you said: accept)" in shown
    assert "Every row has an answer." in press(desk(), "r", "a", "a")


def test_a_hostile_row_is_shown_and_a_long_one_cut(desk: Make) -> None:
    shown = press(desk(row("x\x1b[2J", "\x1b]0;owned\x07 \u202e" + "word " * 200_000)))
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "\\x1b]0;owned\\x07" in shown
    assert "more characters; --web shows them all" in shown
    assert len(shown) < 9000


def test_a_pipe_gives_the_same_keys(desk: Make, lines: Lines) -> None:
    with keys_of(io.StringIO("ar\n\n s\n")) as keys:
        assert list(keys) == ["a", "r", "s"]
    ask(desk(), io.StringIO("aa\n"), io.StringIO())
    assert len(lines()) == 2


def test_nothing_is_asked_when_every_row_has_an_answer(desk: Make) -> None:
    press(desk(), "a", "a", "a")
    screen = io.StringIO()
    ask(desk(), io.StringIO("rrr"), screen)
    assert screen.getvalue() == ""


PROGRAM = """
import sys
from pathlib import Path
from openbezoar.calibration.desk import Desk
from openbezoar.calibration.labels import Labels
from openbezoar.calibration.terminal import ask
from tests.calibration.conftest import row
rows = [row(f"r{n}", f"Answer {n}.") for n in range(3)]
ask(Desk("kept", rows, Labels(Path(sys.argv[1]), print)), sys.stdin, sys.stderr)
"""


STEPS = (
    ("Answer 0.", "a"),
    ("Answer 1.", "\x1b[D"),
    ("Answer 0.", "r"),
    ("Answer 1.", "s"),
    ("Answer 2.", "a"),
    ("Every row", "\r"),
)


@pytest.mark.slow
def test_a_real_terminal_needs_no_enter_and_is_left_as_it_was(tmp_path: Path, lines: Lines) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "labels.jsonl")]
    with ExitStack() as stack:
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        stack.callback(process.kill)
        for shown, key in STEPS:
            read_until(ours, shown)
            os.write(ours, key.encode())
        assert process.wait(timeout=60) == 0
    assert termios.tcgetattr(theirs)[3] & termios.ICANON
    os.close(theirs)
    os.close(ours)
    assert [(line["row"], line["label"]) for line in lines()] == [
        ("r0", "accept"), ("r0", "reject"), ("r1", "skip"), ("r2", "accept")
    ]  # fmt: skip


def read_until(descriptor: int, wanted: str) -> None:
    seen = ""
    while not seen.partition(wanted)[2].rstrip().endswith(("q stop", "last one.")):
        assert select.select([descriptor], [], [], 60)[0], seen
        seen += os.read(descriptor, 4096).decode(errors="ignore")
