"""What a picture is drawn on: a figure in stand-in colours, then SVG in those of the page."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from openbezoar.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BAD", "FAINT", "GOOD", "INK", "canvas", "plain_axes", "short", "svg"]

# Stand-ins: each becomes a colour of the page, so that pictures fit a light page and a dark one.
INK, FAINT, GOOD, BAD = "#010203", "#010204", "#010205", "#010206"
COLOURS = {INK: "currentColor", FAINT: "var(--faint)", GOOD: "var(--good)", BAD: "var(--bad)"}
WIDTH = 5.0
"""Inches of 72 units: a phone's width at which 10-unit letters can be read."""
LONGEST_LABEL = 34


def short(text: str, longest: int = LONGEST_LABEL) -> str:
    plain = "".join(one if one.isprintable() else "?" for one in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


@contextmanager
def canvas(height: float) -> Iterator["Figure"]:
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


def plain_axes(
    figure: "Figure", place: tuple[float, float, float, float] = (0.13, 0.19, 0.84, 0.77)
) -> "Axes":
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, labelsize=10, length=0)
    axes.grid(color=FAINT, linewidth=0.6, alpha=0.35)
    axes.set_axisbelow(True)
    return axes


def svg(figure: "Figure", name: str) -> Markup:
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
