"""A person's labels in a JSON Lines file that only grows, so that a kill loses none of them."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from openbezoar import jsonl
from openbezoar.component import digest
from openbezoar.records import Example, Record

__all__ = ["Answer", "Label", "Labels", "print_of"]

Answer = Literal["accept", "reject", "skip"]


class Label(Record):
    """What a person said of one row; the last label of a row wins."""

    row: str = Field(min_length=1)
    """The row's id."""
    text: str
    """The print of the conversation that was read: another text under the same id has no label."""
    label: Answer | None
    """Nothing where the only label was taken back."""
    undo: bool = False
    """Whether this restores what stood before the row's last label."""


def print_of(row: Example) -> str:
    """A short digest of what a person reads when labelling the row."""
    turns: list[JsonValue] = [[message.role, message.content] for message in row.messages]
    return digest([turns, row.target])[:16]


class Labels:
    """The labels of one file, each on disk when `put` returns."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.path = path
        self._last: dict[str, Label] = {}
        self._before: list[tuple[Label, Answer | None]] = []
        self._lock = threading.Lock()
        _mend(path, say)
        if path.exists():
            for label in jsonl.read(path, Label):
                self._count(label)

    def of(self, row: Example) -> Answer | None:
        """What stands for this row and this text."""
        return self._last[row.id].label if self.knows(row) else None

    def knows(self, row: Example) -> bool:
        """Whether the last that was said of this row was said of this text."""
        label = self._last.get(row.id)
        return label is not None and label.text == print_of(row)

    def ids(self) -> frozenset[str]:
        """The rows that anything was said of."""
        return frozenset(self._last)

    def put(self, row: Example, answer: Answer) -> None:
        """Save a label."""
        with self._lock:
            self._append(Label(row=row.id, text=print_of(row), label=answer))

    def undo(self) -> str | None:
        """Take back the last label that stands, and name its row; None when there is none."""
        with self._lock:
            if not self._before:
                return None
            last, before = self._before[-1]
            self._append(last.model_copy(update={"label": before, "undo": True}))
            return last.row

    def _append(self, label: Label) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = label.model_dump_json(exclude_defaults=True) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._count(label)

    def _count(self, label: Label) -> None:
        if label.undo and self._before:
            self._before.pop()
        elif not label.undo:
            before = self._last.get(label.row)
            stood = before.label if before is not None and before.text == label.text else None
            self._before.append((label, stood))
        self._last[label.row] = label


def _mend(path: Path, say: Callable[[str], None]) -> None:
    """End the last line where a write was cut off; what was never whole is taken out and shown."""
    content = path.read_bytes() if path.exists() else b""
    start = content.rfind(b"\n") + 1
    if start == len(content):
        return
    try:
        json.loads(content[start:])
    except ValueError:
        say(f"{path}: its last line was cut off and is taken out: {content[start:]!r}")
        os.truncate(path, start)
    else:
        with path.open("ab") as file:
            file.write(b"\n")
