"""The report: one self-contained HTML page about everything a store holds."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from openbezoar.account import account_of
from openbezoar.errors import DataError, StoreError
from openbezoar.report import figures, wording
from openbezoar.report.about import about
from openbezoar.report.categories import ratings
from openbezoar.report.checkpoints import checkpoints
from openbezoar.report.contamination import searches
from openbezoar.report.contents import Contents, gather
from openbezoar.report.costs import costs_against_plan, usage
from openbezoar.report.courses import METRICS, courses
from openbezoar.report.funnel import chains
from openbezoar.report.judging import FIGURES, trials
from openbezoar.report.ledger import ledger, main_lines
from openbezoar.report.licences import seen, standings
from openbezoar.report.numbers import MergeNumbers
from openbezoar.report.samples import samples
from openbezoar.store import Store

__all__ = ["render", "write"]

_FOLDER = Path(__file__).parent / "template"


def write(store: Store, out: Path) -> Path:
    """Write the page about the store, whatever its state, and return where it is."""
    if not store.root.is_dir():
        raise StoreError(
            f"{store.root}: no store here; make one with bezoar run RECIPE --store DIR"
        )
    if out.is_dir():
        raise StoreError(f"{out}: is a folder; name the file, such as {out / 'report.html'}")
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
    search, style = (_own(name) for name in ("search.js", "style.css"))
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            contents=contents,
            account=_account(contents),
            about=about(contents),
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
            style=style,
            search=search,
            search_digest=b64encode(sha256(search.encode()).digest()).decode(),
            main_lines=main_lines(book),
            samples=samples(contents),
            usage=usage(contents),
            costs=costs_against_plan(contents),
            licences=seen(contents),
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


def _own(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 - a file of ours


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=wording.plain,
    )  # fmt: skip
    filters = (name for name in wording.__all__ if name != "plain")
    environment.filters |= {name: getattr(wording, name) for name in filters}
    return environment
