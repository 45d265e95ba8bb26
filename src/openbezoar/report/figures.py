"""The pictures of a report: SVG that takes its colours from the page, the same bytes every time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from openbezoar.records import Score
from openbezoar.report.canvas import BAD, FAINT, GOOD, INK, canvas, plain_axes, short, svg
from openbezoar.report.checkpoints import UNITS, Checkpoints
from openbezoar.report.checkpoints import Figure as Mark
from openbezoar.report.funnel import Step
from openbezoar.report.judging import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["accepted", "curve", "funnel", "ledger", "metric"]

MOST_POINTS = 300

Point = tuple[float, float]


def funnel(steps: Sequence[Step], name: str) -> Markup:
    """Rows of every stage as bars: kept, then lost; below, what each of several filters did."""
    bars = [bar for step in steps for bar in _bars(step)]
    widest = max(max(bar.kept + bar.dropped for bar in bars), 1)
    with canvas(0.25 + 0.46 * len(bars)) as figure:
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, 1.02 * widest), ylim=(len(bars) - 0.35, -0.6))
        axes.axis("off")
        for place, (text, kept, dropped, height) in enumerate(bars):
            axes.barh(place, kept, height=height, color=GOOD)
            axes.barh(place, dropped, height=height, left=kept, color=BAD)
            axes.text(0, place - 0.25, text, va="bottom", fontsize=10, color=INK)
        return svg(figure, name)


def curve(lines: Mapping[str, Sequence[Point]], metric: str, name: str) -> Markup:
    """One metric of a course: training as a line, validation as points joined."""
    training, validation = lines.get(metric, []), lines.get(f"valid_{metric}", [])
    with canvas(2.6) as figure:
        axes = plain_axes(figure)
        if training:
            dot = "o" if len(training) == 1 else None  # a line through one point is not seen
            points = zip(*thinned(training), strict=True)
            axes.plot(*points, color=FAINT, linewidth=1.6, marker=dot, markersize=5)
        if validation:
            axes.plot(
                *zip(*validation, strict=True), color=GOOD, linewidth=1.6, marker="o", markersize=5
            )
        axes.set_xlabel("step", color=INK)
        axes.locator_params(axis="x", integer=True)
        return svg(figure, name)


def metric(
    models: Sequence[str],
    scores: Sequence[Score | None],
    name: str,
    bounds: tuple[int, int] | None = None,
) -> Markup:
    """One metric over the models, with 95 % intervals; a model without a value is left empty."""
    with canvas(0.45 + 0.34 * len(models)) as figure:
        height = float(figure.get_size_inches()[1])
        axes = plain_axes(figure, (0.36, 0.36 / height, 0.6, 1 - 0.46 / height))
        for place, score in enumerate(scores):
            if score is None or score.value is None:
                continue
            if score.low is not None and score.high is not None:
                axes.plot([score.low, score.high], [place, place], color=FAINT, linewidth=3)
            axes.plot([score.value], [place], color=GOOD, marker="o", markersize=6)
        axes.set_yticks(range(len(models)), [short(model, 20) for model in models])
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.locator_params(axis="x", nbins=4)
        if bounds:
            axes.set_xlim(bounds[0] - 0.5, bounds[1] + 0.5)
            axes.set_xticks(range(bounds[0], bounds[1] + 1, 3))
        return svg(figure, name)


def accepted(lines: Sequence[Line], name: str) -> Markup:
    """The share of answers a judge accepted, by kind, with 95 % intervals."""
    known = [(line, line.accepted) for line in lines if line.accepted is not None]
    with canvas(0.45 + 0.34 * len(known)) as figure:
        height = float(figure.get_size_inches()[1])
        axes = plain_axes(figure, (0.26, 0.36 / height, 0.7, 1 - 0.46 / height))
        for place, (line, share) in enumerate(known):
            axes.barh(place, share, height=0.5, color=GOOD if line.good else BAD)
            low, high = line.accepted_interval or (share, share)
            axes.plot(
                [low, high], [place, place], color=INK, linewidth=1.2, marker="|", markersize=6
            )
            at = max(share, high) + 0.015
            axes.text(at, place, f"{100 * share:.0f} %", va="center", fontsize=10, color=INK)
        axes.set_yticks(range(len(known)), [short(line.kind, 16) for line, _ in known])
        axes.set(xlim=(0, 1.14), ylim=(len(known) - 0.5, -0.5))
        axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        return svg(figure, name)


def ledger(book: Checkpoints, name: str) -> Markup:
    """Every figure over the checkpoints of the line, one panel below the other."""
    each, foot = 1.05, 1.1
    height = each * len(book.columns) + foot
    with canvas(height) as figure:
        for place, column in enumerate(book.columns):
            bottom = (foot + each * (len(book.columns) - 1 - place)) / height
            axes = plain_axes(figure, (0.13, bottom, 0.84, 0.66 * each / height))
            _joined(axes, book.marks(column))
            axes.set_title(
                short(f"{column}{UNITS.get(column, '')}"),
                loc="left",
                fontsize=10,
                color=INK,
                pad=4,
            )
            axes.set(xlim=(-0.5, len(book.lines) - 0.5), xticks=range(len(book.lines)))
            is_last = place == len(book.columns) - 1
            names = [short(line.name, 16) if is_last else "" for line in book.lines]
            axes.set_xticklabels(names, rotation=45, ha="right", rotation_mode="anchor")
            axes.locator_params(axis="y", nbins=3)
        return svg(figure, name)


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most 300 points: the means over equal runs of neighbours."""
    size = -(-len(points) // MOST_POINTS)
    runs = [points[start : start + size] for start in range(0, len(points), size or 1)]
    return [
        (sum(step for step, _ in run) / len(run), sum(value for _, value in run) / len(run))
        for run in runs
    ]


def _joined(axes: "Axes", marks: Sequence[Mark | None]) -> None:
    """Values joined by a line over their intervals; where there is none the line passes on."""
    known = [(x, mark) for x, mark in enumerate(marks) if mark and mark.value is not None]
    for x, mark in known:
        if mark.low is not None and mark.high is not None:
            axes.plot([x, x], [mark.low, mark.high], color=FAINT, linewidth=3)
    places, values = [x for x, _ in known], [mark.value or 0.0 for _, mark in known]
    axes.plot(places, values, color=GOOD, linewidth=1.2, marker="o", markersize=5)


class Bar(NamedTuple):
    """One line of a funnel."""

    text: str
    kept: int
    dropped: int
    height: float


def _bars(step: Step) -> Iterator[Bar]:
    verbs = ("made", "failed") if step.kind == "generate" else ("kept", "rejected")
    text = _counted(short(step.name), step.kept, step.dropped, verbs)
    yield Bar(text, step.kept, step.dropped, 0.34)
    for part in step.parts:
        text = _counted(f"\u2013 {short(part.name)}", part.kept, part.dropped, part.words)
        yield Bar(text, part.kept, part.dropped, 0.2)


def _counted(name: str, kept: int, dropped: int, verbs: tuple[str, str]) -> str:
    text = f"{name}: {kept:,} {verbs[0]}"
    return f"{text}, {dropped:,} {verbs[1]}" if dropped else text
