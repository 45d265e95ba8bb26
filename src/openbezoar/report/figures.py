"""The pictures of a report: SVG that takes its colours from the page, the same bytes every time."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from openbezoar.errors import MissingExtra
from openbezoar.records import Score
from openbezoar.report.checkpoints import UNITS, Checkpoints
from openbezoar.report.checkpoints import Figure as Mark
from openbezoar.report.funnel import Step
from openbezoar.report.judging import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["accepted", "curve", "funnel", "ledger", "metric"]

# Stand-ins: each becomes a colour of the page, so that pictures fit a light page and a dark one.
INK, FAINT, GOOD, BAD = "#010203", "#010204", "#010205", "#010206"
COLOURS = {INK: "currentColor", FAINT: "var(--faint)", GOOD: "var(--good)", BAD: "var(--bad)"}
WIDTH = 5.0
"""Inches of 72 units: a phone's width at which 10-unit letters can be read."""
MOST_POINTS = 300
LONGEST_LABEL = 34

Point = tuple[float, float]


def funnel(steps: Sequence[Step], name: str) -> Markup:
    """Rows of every stage as bars: kept, then lost; below, what each of several filters did."""
    bars = [bar for step in steps for bar in _bars(step)]
    widest = max(max(bar.kept + bar.dropped for bar in bars), 1)
    with _canvas(0.25 + 0.46 * len(bars)) as figure:
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, 1.02 * widest), ylim=(len(bars) - 0.35, -0.6))
        axes.axis("off")
        for place, (text, kept, dropped, height) in enumerate(bars):
            axes.barh(place, kept, height=height, color=GOOD)
            axes.barh(place, dropped, height=height, left=kept, color=BAD)
            axes.text(0, place - 0.25, text, va="bottom", fontsize=10, color=INK)
        return _svg(figure, name)


def curve(lines: Mapping[str, Sequence[Point]], metric: str, name: str) -> Markup:
    """One metric of a course: training as a line, validation as points joined."""
    training, validation = lines.get(metric, []), lines.get(f"valid_{metric}", [])
    with _canvas(2.6) as figure:
        axes = _plain_axes(figure)
        if training:
            axes.plot(*zip(*thinned(training), strict=True), color=FAINT, linewidth=1.6)
        if validation:
            axes.plot(
                *zip(*validation, strict=True), color=GOOD, linewidth=1.6, marker="o", markersize=5
            )
        axes.set_xlabel("step", color=INK)
        axes.locator_params(axis="x", integer=True)
        return _svg(figure, name)


def metric(
    models: Sequence[str],
    scores: Sequence[Score | None],
    name: str,
    bounds: tuple[int, int] | None = None,
) -> Markup:
    """One metric over the models, with 95 % intervals; a model without a value is left empty."""
    with _canvas(0.45 + 0.34 * len(models)) as figure:
        height = float(figure.get_size_inches()[1])
        axes = _plain_axes(figure, (0.36, 0.36 / height, 0.6, 1 - 0.46 / height))
        for place, score in enumerate(scores):
            if score is None or score.value is None:
                continue
            if score.low is not None and score.high is not None:
                axes.plot([score.low, score.high], [place, place], color=FAINT, linewidth=3)
            axes.plot([score.value], [place], color=GOOD, marker="o", markersize=6)
        axes.set_yticks(range(len(models)), [_short(model, 20) for model in models])
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.locator_params(axis="x", nbins=4)
        if bounds:
            axes.set_xlim(bounds[0] - 0.5, bounds[1] + 0.5)
            axes.set_xticks(range(bounds[0], bounds[1] + 1, 3))
        return _svg(figure, name)


def accepted(lines: Sequence[Line], name: str) -> Markup:
    """The share of answers a judge accepted, by kind, with 95 % intervals."""
    known = [(line, line.accepted) for line in lines if line.accepted is not None]
    with _canvas(0.45 + 0.34 * len(known)) as figure:
        height = float(figure.get_size_inches()[1])
        axes = _plain_axes(figure, (0.26, 0.36 / height, 0.7, 1 - 0.46 / height))
        for place, (line, share) in enumerate(known):
            axes.barh(place, share, height=0.5, color=GOOD if line.good else BAD)
            low, high = line.accepted_interval or (share, share)
            axes.plot(
                [low, high], [place, place], color=INK, linewidth=1.2, marker="|", markersize=6
            )
            at = max(share, high) + 0.015
            axes.text(at, place, f"{100 * share:.0f} %", va="center", fontsize=10, color=INK)
        axes.set_yticks(range(len(known)), [_short(line.kind, 16) for line, _ in known])
        axes.set(xlim=(0, 1.14), ylim=(len(known) - 0.5, -0.5))
        axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        return _svg(figure, name)


def ledger(book: Checkpoints, name: str) -> Markup:
    """Every figure over the checkpoints of the line, one panel below the other."""
    each, foot = 1.05, 1.1
    height = each * len(book.columns) + foot
    with _canvas(height) as figure:
        for place, column in enumerate(book.columns):
            bottom = (foot + each * (len(book.columns) - 1 - place)) / height
            axes = _plain_axes(figure, (0.13, bottom, 0.84, 0.66 * each / height))
            _joined(axes, book.marks(column))
            axes.set_title(
                _short(f"{column}{UNITS.get(column, '')}"),
                loc="left",
                fontsize=10,
                color=INK,
                pad=4,
            )
            axes.set(xlim=(-0.5, len(book.lines) - 0.5), xticks=range(len(book.lines)))
            is_last = place == len(book.columns) - 1
            names = [_short(line.name, 16) if is_last else "" for line in book.lines]
            axes.set_xticklabels(names, rotation=45, ha="right", rotation_mode="anchor")
            axes.locator_params(axis="y", nbins=3)
        return _svg(figure, name)


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
    text = _counted(_short(step.name), step.kept, step.dropped, verbs)
    yield Bar(text, step.kept, step.dropped, 0.34)
    for part in step.parts:
        text = _counted(f"\u2013 {_short(part.name)}", part.kept, part.dropped, part.words)
        yield Bar(text, part.kept, part.dropped, 0.2)


def _counted(name: str, kept: int, dropped: int, verbs: tuple[str, str]) -> str:
    text = f"{name}: {kept:,} {verbs[0]}"
    return f"{text}, {dropped:,} {verbs[1]}" if dropped else text


def _short(text: str, longest: int = LONGEST_LABEL) -> str:
    plain = "".join(one if one.isprintable() else "?" for one in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


@contextmanager
def _canvas(height: float) -> Iterator["Figure"]:
    """A figure under settings of our own, whatever those of the user are."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra(
            "the report's pictures need matplotlib; pip install 'openbezoar[report]'"
        ) from None
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "axes.unicode_minus": False,
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Names in letters that its font lacks are drawn by the browser, with a font that has them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield Figure(figsize=(WIDTH, height))


def _plain_axes(
    figure: "Figure", place: tuple[float, float, float, float] = (0.13, 0.19, 0.84, 0.77)
) -> "Axes":
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, labelsize=10, length=0)
    axes.grid(color=FAINT, linewidth=0.6, alpha=0.35)
    axes.set_axisbelow(True)
    return axes


def _svg(figure: "Figure", name: str) -> Markup:
    """The figure as an element of the page: no prologue, no date, identifiers of its own."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = name
    figure.patch.set_visible(False)
    file = StringIO()
    absent = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=absent)
    text = file.getvalue()
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None  # noqa: S101 - matplotlib always writes one
    # What comes before the first group is a prologue and a style that would reach the whole page.
    text = f"<svg {box[0]}>{text[text.index('<g id=') :]}"
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    return Markup(text)  # noqa: S704 - matplotlib escapes every text it writes
