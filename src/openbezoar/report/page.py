"""The report: one self-contained HTML page about everything a store holds."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from openbezoar.account import account_of
from openbezoar.errors import DataError, StoreError
from openbezoar.records import Score
from openbezoar.report import figures
from openbezoar.report.categories import ratings
from openbezoar.report.checkpoints import checkpoints
from openbezoar.report.contamination import searches
from openbezoar.report.contents import Contents, Made, gather
from openbezoar.report.costs import costs_against_plan
from openbezoar.report.courses import METRICS, courses
from openbezoar.report.funnel import chains
from openbezoar.report.judging import FIGURES, trials
from openbezoar.report.ledger import ledger, main_lines
from openbezoar.report.licences import standings
from openbezoar.report.numbers import MergeNumbers
from openbezoar.report.samples import samples
from openbezoar.store import Store

__all__ = ["render", "write"]

_FOLDER = Path(__file__).parent
LONGEST_MESSAGE = 500


def write(store: Store, out: Path) -> Path:
    """Write the page about the store, whatever its state, and return where it is."""
    if not store.root.is_dir():
        raise StoreError(
            f"{store.root}: no store here; make one with bezoar run RECIPE --store DIR"
        )
    page = render(gather(store))
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(f"{out.name}.part")
    # A manifest may hold half a character, which JSON can write and UTF-8 cannot.
    half.write_text(page, encoding="utf-8", errors="replace")
    half.replace(out)
    return out


def render(contents: Contents) -> str:
    """The page; equal contents give equal text."""
    book = ledger(contents)
    search = (_FOLDER / "search.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            contents=contents,
            account=_account(contents),
            about=_about(contents),
            chains=chains(contents),
            searches=searches(contents),
            trials=trials(contents),
            measured=FIGURES,
            courses=courses(contents),
            checkpoints=checkpoints(contents),
            metrics=METRICS,
            merges=[made for made in contents.latest if isinstance(made.numbers, MergeNumbers)],
            ledger=book,
            ratings=ratings(book),
            search=Markup(search),  # noqa: S704 - a file of ours
            search_digest=b64encode(sha256(search.encode()).digest()).decode(),
            main_lines=main_lines(book),
            samples=samples(contents),
            usage=_usage(contents.latest),
            costs=costs_against_plan(contents),
            licences=_licences(contents.latest),
            standings=standings(contents),
            figures=figures,
        )
    )


def _account(contents: Contents) -> Markup | None:
    """What `bezoar reproduce` reads from the page; nothing where no manifest holds a recipe."""
    try:
        account = account_of([made.artifact for made in contents.latest])
    except DataError:
        return None
    return htmlsafe_json_dumps(account.model_dump(mode="json"), sort_keys=False)


def _about(contents: Contents) -> dict[str, Any]:
    """The facts that head the page."""
    runs = [made.run for made in contents.latest]
    peaks = [run.peak_memory_mb for run in runs if run.peak_memory_mb is not None]
    versions: dict[str, set[str]] = {}
    for run in runs:
        for name, version in run.versions.items():
            if version:
                versions.setdefault(name, set()).add(version)
    return {
        "recipes": _each(run.recipe for run in runs),
        "machines": _each(run.machine for run in runs),
        "commits": _each(run.commit for run in runs),
        "versions": {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
        "started": min((run.started for run in runs if run.started), default=""),
        "finished": max((run.finished for run in runs if run.finished), default=""),
        "seconds": sum(run.seconds or 0 for run in runs),
        "peak_mb": max(peaks, default=None),
        "older": len(contents.by_print) - len(contents.latest),
    }


def _each(values: Any) -> list[str]:
    """Every value once, in order."""
    return list(dict.fromkeys(value for value in values if value))


def _usage(stages: Sequence[Made]) -> list[tuple[str, dict[str, int | float]]]:
    """What was asked of models, by stage, and in total."""
    used = [(made.name, made.run.usage) for made in stages if made.run.usage]
    counted = {name for _, usage in used for name in usage} & {"usd", "unpriced"}
    names = ("requests", "cached", "tokens_in", "tokens_out", *sorted(counted))
    total = {name: sum(usage.get(name, 0) for _, usage in used) for name in names}
    return [*used, ("total", total)] if used else []


def _licences(stages: Sequence[Made]) -> dict[str, list[str]]:
    """The stages that each licence was seen in."""
    seen: dict[str, list[str]] = {}
    for made in stages:
        for licence in made.numbers.licences:
            seen.setdefault(licence, []).append(made.name)
    return dict(sorted(seen.items()))


def _number(value: float | None) -> str:
    """A number for people; a dash where there is none, never a zero."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:.1f}"
        if abs(value) >= 100
        else f"{value:.3f}"
    )


def _interval(score: Score) -> str:
    """The 95 % interval of a score, or as much as is known of its error."""
    if score.low is not None and score.high is not None:
        return f"{_number(score.low)} to {_number(score.high)}"
    return (
        "no interval"
        if score.standard_error is None
        else f"standard error {_number(score.standard_error)}"
    )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {left} s"


def _memory(megabytes: float | None) -> str:
    if megabytes is None:
        return "-"
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"


def _money(usage: dict[str, int | float]) -> str:
    """What some requests cost; a dash where nobody bills, never a zero for the unknown."""
    usd = usage.get("usd")
    if usd is None:
        return "unknown" if usage.get("unpriced") else "-"
    known = f"${usd:,.4f}" if 0 < usd < 1 else f"${usd:,.2f}"
    return f"{known} and an unknown part" if usage.get("unpriced") else known


def _moment(text: str) -> str:
    """A time of a manifest to the minute."""
    return f"{text[:10]} {text[11:16]} UTC" if text.endswith("+00:00") else text


def _breakable(text: str) -> Markup:
    """A dotted name that a narrow table may break after a dot or an underscore."""
    return escape(text).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>"))


def _cut(text: str) -> str:
    """A message of any length, whose start says most."""
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _settings(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=88)
    return text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "number": _number,
        "breakable": _breakable,
        "interval": _interval,
        "duration": _duration,
        "memory": _memory,
        "money": _money,
        "moment": _moment,
        "settings": _settings,
        "cut": _cut,
    }
    return environment
