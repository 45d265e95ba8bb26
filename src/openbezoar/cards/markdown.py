"""Text of any origin as Markdown that shows it, and neither formats nor ends anything."""

import html
import re
from collections.abc import Iterable, Sequence

from openbezoar.shelf import visible

__all__ = ["Markdown", "amount", "code", "fenced", "in_one_line", "plain", "table"]

LONGEST = 500
SPECIAL = re.compile(r"[\\`*_\[\]#|~$]")
OPENING = re.compile(r"^(\d*)([-+=.)])(?=[\s=-]|$)")
"""What would begin a list or underline a heading."""


class Markdown(str):
    """Text that is Markdown already; whatever else a template is given is shown as it is."""

    __slots__ = ()


def plain(value: object) -> Markdown:
    """Any value in one line, every character of it shown as itself."""
    if isinstance(value, Markdown):
        return value
    text = in_one_line(value)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    escaped = SPECIAL.sub(lambda found: f"\\{found[0]}", html.escape(text, quote=False))
    return Markdown(OPENING.sub(r"\1\\\2", escaped))


def code(value: object) -> Markdown:
    """A name in the font of code, as a table's cell, too, can hold it."""
    text = in_one_line(value).replace("|", "¦")
    if not text:
        return Markdown("")
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if "`" in (text[0], text[-1]) else ""
    return Markdown(f"{fence}{pad}{text}{pad}{fence}")


def fenced(text: str, language: str = "") -> Markdown:
    """A block of code that ends nowhere but at its end."""
    fence = "`" * max(3, _longest_run(text) + 1)
    body = "".join(c if c == "\n" else visible(c) for c in text.rstrip("\n"))
    return Markdown(f"{fence}{language}\n{body}\n{fence}")


def amount(value: float | None) -> Markdown:
    """A number for people; a dash where there is none, never a zero."""
    if value is None:
        return Markdown("-")
    return Markdown(f"{value:,}" if isinstance(value, int) else f"{value:.4g}")


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table with a heading; a cell that is no Markdown yet is shown as it is."""
    cells = [[plain(cell) for cell in row] for row in rows]
    lines = [names, ["---"] * len(names), *cells]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def in_one_line(value: object) -> str:
    """A text that breaks no line and steers no screen."""
    return " ".join(visible(str(value)).split())


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
