"""What was measured of a judge, as text for people and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from openbezoar.calibration.agreement import Point, choose, spread
from openbezoar.calibration.study import Measured
from openbezoar.plurals import counted
from openbezoar.statistics import Estimate, share

__all__ = ["as_json", "compared", "readable"]

SIDES = ("accept", "reject")
MOST = 12
"""Thresholds in a table for people."""


def readable(found: Measured, precision: float) -> str:
    """The agreement, the confusion table, and what each threshold would keep."""
    judge, unread = found.judge, found.unreadable
    lines = [
        f"judge       {judge.kind} on {judge.model} ({judge.fingerprint[:8]})",
        f"labels      {found.labelled} with a readable grade",
        f"agreement   {_figure(found.agreement.agreement)}",
        f"kappa       {_figure(found.agreement.kappa)}",
        f"AUC         {_interval(found.auc)}",
        f"unreadable  {len(unread)} more, in no figure here; you accept {sum(unread)} of them",
        "",
        f"{'':<12}{'judge accepts':>15}{'judge rejects':>15}",
    ]
    for person in SIDES:
        counts = [found.agreement.confusion.get((person, judge), 0) for judge in SIDES]
        lines.append(f"you {person:<8}{counts[0]:>15}{counts[1]:>15}")
    chosen = choose(found.points, precision)
    lines += ["", f"{'rating from':>11}{'kept':>7}   {'precision':<21}{'recall':<21}"]
    lines += [_point(point, point == chosen) for point in _shown(found.points, chosen)]
    return "\n".join(line.rstrip() for line in lines)


def as_json(found: Measured, precision: float) -> dict[str, Any]:
    """Everything that was measured."""
    chosen = choose(found.points, precision)
    return {
        "judge": found.judge.model_dump(),
        "labelled": found.labelled,
        "unreadable": len(found.unreadable),
        "unreadable_accepted": sum(found.unreadable),
        "agreement": found.agreement.agreement._asdict(),
        "kappa": found.agreement.kappa._asdict(),
        "auc": found.auc._asdict(),
        "confusion": [
            {"person": person, "judge": judge, "rows": rows}
            for (person, judge), rows in sorted(found.agreement.confusion.items())
        ],
        "thresholds": [
            {
                "threshold": point.threshold,
                "precision": point.precision._asdict(),
                "recall": point.recall._asdict(),
            }
            for point in found.points
        ],
        "wanted_precision": precision,
        "threshold": None if chosen is None else chosen.threshold,
    }


def compared(measured: Mapping[str, Measured], precision: float) -> list[dict[str, Any]]:
    """A line a judge: its own verdicts, its ratings, and what a thousand rows cost."""
    return [_line(name, found, precision) for name, found in measured.items()]


def _line(name: str, found: Measured, precision: float) -> dict[str, Any]:
    both = found.agreement.confusion
    right = both.get(("accept", "accept"), 0)
    kept = right + both.get(("reject", "accept"), 0)
    wanted = right + both.get(("accept", "reject"), 0)
    chosen = choose(found.points, precision)
    kappa = found.agreement.kappa
    return {
        "judge": name,
        "kind": found.judge.kind,
        "model": found.judge.model,
        "n": found.labelled,
        "unreadable": len(found.unreadable),
        "kappa": kappa.value,
        "kappa_low": kappa.low,
        "kappa_high": kappa.high,
        "precision": share(right, kept).value,
        "recall": share(right, wanted).value,
        "auc": found.auc.value,
        f"recall_at_{precision:g}": None if chosen is None else chosen.recall.value,
        "usd_per_1000": found.usd_per_1000,
    }


def _shown(points: Sequence[Point], chosen: Point | None) -> list[Point]:
    shown = spread(points, MOST)
    return sorted({*shown, *([chosen] if chosen else [])}, key=lambda point: point.threshold)


def _point(point: Point, is_chosen: bool) -> str:
    mark = "  <- chosen" if is_chosen else ""
    kept = f"{point.threshold:>11.4g}{point.precision.n:>7}"
    return f"{kept}   {_interval(point.precision):<21}{_interval(point.recall):<21}{mark}"


def _figure(estimate: Estimate) -> str:
    return f"{_interval(estimate)} over {counted(estimate.n, 'row')}"


def _interval(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
