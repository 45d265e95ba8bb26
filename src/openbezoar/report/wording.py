"""How numbers, times, money and names are written on the page."""

from typing import Any

import yaml
from markupsafe import Markup, escape

from openbezoar.component import written
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.shelf import visible

__all__ = [
    "breakable",
    "clock",
    "counted",
    "cut",
    "duration",
    "interval",
    "memory",
    "moment",
    "money",
    "number",
    "plain",
    "settings",
    "tokens",
    "with_code",
]

LONGEST_MESSAGE = 500


def number(value: float | None) -> str:
    """A number for people; a dash where there is none, never a zero."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 3
    return f"{value:,.{digits}f}"


def interval(score: Score) -> str:
    """The 95 % interval of a score, or as much as is known of its error."""
    if score.low is not None and score.high is not None:
        return f"{number(score.low)} to {number(score.high)}"
    if score.standard_error is None:
        return "no interval"
    return f"standard error {number(score.standard_error)}"


def duration(seconds: float | None) -> str:
    """Seconds as a clock would be read; what took next to none is not called none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return "< 0.1 s" if 0 < seconds < 0.1 else f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {left} s"


def memory(megabytes: float | None) -> str:
    """Megabytes, or gigabytes where that is shorter."""
    if megabytes is None:
        return "-"
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def money(usage: dict[str, int | float]) -> str:
    """What some requests cost; a dash where nobody bills, never a zero for the unknown."""
    usd = usage.get("usd")
    if usd is None:
        return "unknown" if usage.get("unpriced") else "-"
    known = f"${usd:,.4f}" if 0 < usd < 1 else f"${usd:,.2f}"
    return f"{known} and an unknown part" if usage.get("unpriced") else known


def tokens(usage: dict[str, int | float], name: str) -> str:
    """Tokens read or written; of answers that a server did not count nobody knows them."""
    known = number(usage.get(name))
    if not usage.get("uncounted"):
        return known
    return f"{known} or more" if usage.get(name) else "unknown"


def moment(text: str) -> str:
    """A time of a manifest to the minute."""
    return f"{text[:10]} {text[11:16]} UTC" if text.endswith("+00:00") else text


def clock(text: str) -> str:
    """The time of day of a time of a manifest."""
    return text[11:16] if text.endswith("+00:00") else text


def breakable(text: str) -> Markup:
    """A dotted name that a narrow table may break after a dot or an underscore."""
    name = escape(visible(text))
    return name.replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>"))


def with_code(text: str) -> Markup:
    """A sentence whose names in backticks stand in the font of code."""
    pieces = visible(text).split("`")
    if len(pieces) % 2 == 0:  # one backtick has no other
        return escape(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(pieces)
    )


def cut(text: str) -> str:
    """A message of any length, whose start says most."""
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def settings(value: Any) -> str:
    """Settings as a recipe would have them."""
    text: str = yaml.safe_dump(written(value), sort_keys=False, allow_unicode=True, width=88)
    return text


def plain(value: Any) -> Any:
    """Any text of a store with what could steer a reader's screen made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
