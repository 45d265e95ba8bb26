"""Tells the person who waits what is going on, on one line where the terminal allows it."""

import time
from typing import TextIO

__all__ = ["Teller"]


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
        milestone = stage != self._stage or text.startswith("made")
        now = time.monotonic()
        if not milestone and now - self._last < self._every:
            return
        self._stage, self._last = stage, now
        line = "".join(c if c.isprintable() else " " for c in f"{stage}: {text}")
        if not self._live:
            print(line, file=self._stream, flush=True)
            return
        end = "\n" if text.startswith("made") else ""
        print(f"\r\x1b[2K{line[:120]}", end=end, file=self._stream, flush=True)
