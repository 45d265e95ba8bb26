"""Tells the person who waits what is going on, on one line where the terminal allows it."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, TextIO

__all__ = ["Pace", "Teller"]

WINDOW = 30.0
"""Seconds over which a rate is measured: what lies further back says little of what is left."""


class Teller:
    """Writes `stage: text`; between two stages of a run at most one line every few seconds."""

    def __init__(self, stream: TextIO, every: float = 5.0) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._every = 0.2 if self._live else every
        self._last = 0.0
        self._stage = ""

    def __call__(self, stage: str, text: str) -> None:
        """Say something about a stage; what comes too soon after the last line is left out."""
        stays = text.startswith(("made", "warning:"))
        milestone = stage != self._stage or stays
        now = time.monotonic()
        if not milestone and now - self._last < self._every:
            return
        self._stage, self._last = stage, now
        line = "".join(c if c.isprintable() else " " for c in f"{stage}: {text}")
        if not self._live:
            print(line, file=self._stream, flush=True)
            return
        shown = f"{line}\n" if stays else line[:120]
        print(f"\r\x1b[2K{shown}", end="", file=self._stream, flush=True)


class Pace:
    """How fast a stage goes: its rows, and the tokens that its models' usage counts."""

    def __init__(
        self, usage: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._usage = usage
        self._clock = clock
        self._marks: deque[Mark] = deque()

    def line(self, done: int, total: int, note: str = "") -> str:
        """Rows done of all, the note, tokens a second, the cost and the time left, if known."""
        now = Mark(self._clock(), done, self._usage.get("tokens_out", 0))
        before = self._before(now)
        seconds = now.time - before.time
        parts = [f"{done}/{total}", note]
        if seconds > 0 and now.tokens > before.tokens:
            parts.append(f"{(now.tokens - before.tokens) / seconds:.0f} tokens/s")
        parts.append(self._cost())
        if seconds > 0 and before.done < done < total:
            parts.append(f"{_duration((total - done) * seconds / (done - before.done))} left")
        return ", ".join(filter(None, parts))

    def _cost(self) -> str:
        """Never a zero for what nobody knows."""
        usd, unpriced = self._usage.get("usd"), self._usage.get("unpriced")
        if usd is None:
            return "cost unknown" if unpriced else ""
        return f"${usd:.2f}" + (" or more" if unpriced else "")

    def _before(self, now: "Mark") -> "Mark":
        """The mark to measure from: of the window's start, or of the beginning (again)."""
        if self._marks and now.done < self._marks[-1].done:
            self._marks.clear()
        if not self._marks or now.time - self._marks[-1].time >= WINDOW / 30:
            self._marks.append(now)
        while len(self._marks) > 1 and now.time - self._marks[1].time >= WINDOW:
            self._marks.popleft()
        return self._marks[0]


class Mark(NamedTuple):
    """How far a stage had come at a moment."""

    time: float
    done: int
    tokens: float


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
