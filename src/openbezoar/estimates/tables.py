"""Estimates as lines of a table, and figures as people write them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from openbezoar.estimates.actual import FIGURES, Comparison
from openbezoar.estimates.estimate import Estimate
from openbezoar.models.budget import RunBudget
from openbezoar.ranges import NOTHING, Range, total

__all__ = ["amount", "beyond", "comparison_rows", "estimate_rows", "span"]

UNKNOWN = "unknown"


def estimate_rows(estimates: Iterable[Estimate]) -> list[dict[str, str | None]]:
    """A line for each stage: likely figures, of money and time the bounds."""
    return [
        {
            "stage": one.stage,
            "rows": _likely("rows", one.rows, one.kind in ("merge", "")),
            "requests": _likely("requests", one.requests),
            "tokens in": _likely("tokens_in", one.tokens_in),
            "tokens out": _likely("tokens_out", one.tokens_out),
            "usd": _money(one),
            "time": span("seconds", one.seconds),
            "memory": _likely("memory_mb", one.memory_mb),
            "gpu": None if one.gpu_mb is None else _likely("gpu_mb", one.gpu_mb),
            "disk": _likely("disk_mb", one.disk_mb),
            "from": one.basis if one.kind else None,
        }
        for one in estimates
    ]


def comparison_rows(found: Sequence[Comparison]) -> list[dict[str, str | None]]:
    """A line for each stage and each figure that was estimated or measured."""
    return [
        {
            "stage": one.stage,
            "figure": one.figure,
            "estimated": _likely(one.figure, one.estimated),
            "from to": None if one.estimated is None else span(one.figure, one.estimated),
            "actual": UNKNOWN if one.actual is None else amount(one.figure, one.actual),
            "difference": _difference(one),
        }
        for one in found
        if _says_something(one)
    ]


def beyond(whole: Estimate, budget: RunBudget) -> list[str]:
    """What a run's limits have to fear of an estimate of the whole."""
    tokens = total([whole.tokens_in, whole.tokens_out])
    limits = {
        "usd": (budget.usd, whole.usd if whole.usd or whole.unpriced else NOTHING),
        "tokens": (budget.tokens, tokens),
        "seconds": (budget.hours and budget.hours * 3600, whole.seconds),
    }
    return [
        line
        for figure, (limit, value) in limits.items()
        if limit is not None
        for line in _beyond(figure, value, limit, figure == "usd" and bool(whole.unpriced))
    ]


def span(figure: str, value: Range | None) -> str:
    """Both bounds, or the figure itself where they are one."""
    if value is None:
        return UNKNOWN
    low, high = amount(figure, value.low), amount(figure, value.high)
    return low if low == high else f"{low} to {high}"


def amount(figure: str, value: float) -> str:
    """A figure with its unit."""
    match figure:
        case "tokens":
            return f"{value:,.0f} tokens"
        case "usd":
            in_cents = value >= 0.995 or value == 0
            return f"${value:,.2f}" if in_cents else f"${Decimal(f'{value:.2g}'):f}"
        case "seconds":
            return _duration(value)
        case "memory_mb" | "gpu_mb" | "disk_mb":
            return f"{value / 1024:.1f} GB" if value >= 1024 else f"{_short(value)} MB"
    return f"{value:,.0f}"


def _short(value: float) -> str:
    """Without decimals, but where they are all there is."""
    return f"{value:.1g}" if 0 < value < 0.5 else f"{value:.0f}"


def _beyond(figure: str, value: Range | None, limit: float, is_part: bool) -> list[str]:
    most, takes = amount(figure, limit), span(figure, value) + " and more" * is_part
    if value is not None and value.likely > limit:
        return [f"the run will likely stop at its limit of {most}: it takes {takes}"]
    if value is not None and value.high > limit:
        return [f"the run may stop at its limit of {most}: it takes {takes}"]
    if value is None or is_part:
        return [f"whether the run stays within {most} is not known: an estimate is missing"]
    return []


def _likely(figure: str, value: Range | None, is_nothing: bool = False) -> str | None:
    if is_nothing:
        return None
    return UNKNOWN if value is None else amount(figure, value.likely)


def _money(one: Estimate) -> str | None:
    if one.unpriced:
        known = f"{span('usd', one.usd)} and " if one.usd else ""
        return f"{known}{UNKNOWN}"
    return None if one.usd is None else span("usd", one.usd)


def _difference(one: Comparison) -> str | None:
    """A share of what it took; a dash where nothing can be seen of either side."""
    if one.estimated is None or one.actual is None or one.difference is None:
        return None
    sides = (one.estimated.likely, one.actual)
    alike = {amount(one.figure, side) for side in sides} == {amount(one.figure, 0)}
    return "-" if alike else f"{one.difference:+.0%}"


def _says_something(one: Comparison) -> bool:
    if one.figure == "usd" or one.actual is None:
        return one.estimated is not None
    return one.figure in FIGURES and not (one.actual == 0 and one.difference == 0)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
