"""Nested values as text for a terminal: an outline, with tables where the entries are alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["cell", "outline", "table"]

WIDEST = 120
"""Characters of a table's line; what would be wider is an outline, too."""

Object = Mapping[str, Any]
"""A JSON object, to be read."""


def outline(value: Object) -> str:
    """Every name with its value, below each other; what lies deeper is indented."""
    return "\n".join(_lines(value))


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """The heading and the rows, in columns."""
    cells = [names, *([cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = (map(str.ljust, line, widths) for line in cells)
    return ["  ".join(line).rstrip() for line in padded]


def cell(value: Any) -> str:
    """A value in one line; a dash where there is none."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
        case list():
            return ", ".join(map(cell, value)) or "none"
        case dict():
            return ", ".join(f"{name}: {cell(below)}" for name, below in value.items()) or "none"
    return str(value).replace("\n", "\\n")


def _lines(value: Object) -> list[str]:
    columns = _columns(value)
    lines: list[str] = []
    for name, below in value.items():
        if name not in columns:
            lines += _entry(name, below)
        elif name == next(iter(columns)):
            lines += _crossed(columns)
    return lines


def _entry(name: str, value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        below = _named_rows(value) or _lines(value)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        below = _rows(value) or [line for one in value for line in _item(one)]
    else:
        return [f"{name}: {cell(value)}"]
    return [f"{name}:", *(f"  {line}" for line in below)]


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value) if isinstance(value, dict) and value else [cell(value)]
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _rows(values: Sequence[Any]) -> list[str]:
    """A table of objects that all have the same names; nothing where they have not."""
    flat = [one for one in values if _is_flat(one)]
    if len(flat) < max(2, len(values)) or any(one.keys() != flat[0].keys() for one in flat):
        return []
    return _narrow(table(list(flat[0]), (list(one.values()) for one in flat)))


def _named_rows(values: Object) -> list[str]:
    """The same for objects that have a name each."""
    named = [{"": name, **one} for name, one in values.items() if isinstance(one, dict)]
    return _rows(named) if len(named) == len(values) else []


def _columns(value: Object) -> dict[str, dict[str, Any]]:
    """Objects side by side whose names are among those of the largest: columns of one table."""
    flat = {name: below for name, below in value.items() if _is_flat(below)}
    widest: Object = max(flat.values(), key=len, default={})
    alike = {name: below for name, below in flat.items() if below.keys() <= widest.keys()}
    crossed = len(alike) > 1 and len(widest) > 1 and _narrow(_crossed(alike))
    return alike if crossed else {}


def _crossed(columns: Mapping[str, Object]) -> list[str]:
    names = max(columns.values(), key=len)
    rows = ([name, *(column.get(name) for column in columns.values())] for name in names)
    return table(["", *columns], rows)


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and not any(map(_is_deep, value.values()))


def _is_deep(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict | list) for one in value)
    )


def _narrow(lines: list[str]) -> list[str]:
    """The lines, unless one is too wide to be read."""
    return lines if all(len(line) <= WIDEST for line in lines) else []
