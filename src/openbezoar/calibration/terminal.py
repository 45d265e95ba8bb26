"""Labels rows in the terminal, one key each; from a pipe it reads the same keys."""

import os
import termios
import textwrap
import tty
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from openbezoar.calibration.desk import Desk, View
from openbezoar.calibration.labels import Answer

__all__ = ["ask", "keys_of", "obey"]

ANSWERS: dict[str, Answer] = {"a": "accept", "r": "reject", "s": "skip"}
ARROWS = {"\x1b[D": -1, "\x1b[C": 1, "\x1bOD": -1, "\x1bOC": 1}
MOST = 6000
"""Characters of one text on the screen; the page shows texts whole."""
QUESTION = "Accept what a model should learn: a sensible question, answered rightly and in full."
KEYS = "a accept   r reject   s skip   u undo   ← → move   q stop"
CLEAR = "\x1b[2J\x1b[3J\x1b[H"
BAR = 30
WIDTH = 100
"""Characters of a line: longer ones are hard to read, and some terminals do not tell their size."""


def ask(desk: Desk, keyboard: TextIO, screen: TextIO) -> None:
    """Label the rows that have no answer yet."""
    if desk.next_open() is not None:
        with keys_of(keyboard) as keys:
            obey(desk, keys, screen)


def obey(desk: Desk, keys: Iterable[str], screen: TextIO) -> None:
    """Show a row, obey a key, until `q`, Enter once all rows have an answer, or the keys' end."""
    place = desk.next_open()
    _show(desk.view(place), screen)
    for key in keys:
        if key in ("q", "\r", "\n") and (key == "q" or place is None):
            return
        if key in ANSWERS and place is not None:
            place = desk.answer(place, ANSWERS[key])
        elif key == "u":
            place = desk.undo(place)
        elif key in ARROWS:
            place = desk.beside(place, ARROWS[key])
        else:
            continue
        _show(desk.view(place), screen)


@contextmanager
def keys_of(stream: TextIO) -> Iterator[Iterator[str]]:
    """The keys a person presses, as they are pressed; from a pipe, its characters."""
    if not stream.isatty():
        yield (key for line in stream for key in line.strip())
        return
    descriptor = stream.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield _pressed(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _pressed(descriptor: int) -> Iterator[str]:
    while pressed := os.read(descriptor, 64).decode(errors="ignore"):
        yield from [pressed] if pressed.startswith("\x1b") else pressed


def _show(view: View, screen: TextIO) -> None:
    live = screen.isatty()
    columns = os.get_terminal_size(screen.fileno()).columns if live else 0
    width = max(20, min(columns or WIDTH, WIDTH))
    lines = [CLEAR] if live else [""]
    done = BAR * view.answered // max(view.total, 1)
    bar = "█" * done + "░" * (BAR - done)
    lines.append(f"{view.stage}  {bar}  {view.answered} of {view.total}")
    if view.place is None:
        lines.append("\nEvery row has an answer. Enter ends, u takes back the last one.\n")
    else:
        said = f"  (you said: {view.answer})" if view.answer else ""
        lines.append(f"{QUESTION}\n\nrow {view.place + 1} of {view.total}  {view.row}{said}")
        for name, text in view.texts:
            heading = f"\x1b[1m{name}\x1b[0m" if live else name
            lines.append(f"\n{heading}\n{_wrapped(text, width)}")
        lines.append(f"\n{KEYS}")
    screen.write("\n".join(lines) + "\n")
    screen.flush()


def _wrapped(text: str, width: int) -> str:
    shown = text[:MOST]
    paragraphs = [
        textwrap.fill(line, width, initial_indent="  ", subsequent_indent="  ")
        for line in shown.split("\n")
    ]
    left = len(text) - len(shown)
    more = [f"  … {left} more characters; --web shows them all"] if left else []
    return "\n".join(paragraphs + more)
