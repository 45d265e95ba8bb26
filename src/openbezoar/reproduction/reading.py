"""Reads the account of a run from a report, a card or a manifest, whichever a file is."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from openbezoar.account import FORMAT, Account, account_of
from openbezoar.cards.results import stored_name
from openbezoar.errors import DataError, OpenBezoarError
from openbezoar.jsonl import first_problem
from openbezoar.recipe import Recipe, parse
from openbezoar.records import Score
from openbezoar.store import Artifact, Manifest

__all__ = ["read_account", "recipe_of"]

NAMES = ("manifest.json", "report.html", "README.md")
"""What is looked for in a folder."""
IN_REPORT = re.compile(
    r'<script type="application/json" id="account">\s*(.*?)\s*</script>', re.DOTALL
)
IN_CARD = re.compile(
    r"^#+ *Recipe *\n(?:(?!#)[^\n]*\n)*?(```+|~~~+)ya?ml *\n(.*?)^\1 *$", re.MULTILINE | re.DOTALL
)
HEAD = re.compile(r"\A---\n(.*?)^---$", re.DOTALL | re.MULTILINE)


def read_account(path: Path) -> Account:
    """The account in a report, a card or a manifest, or in a folder that holds one of them.

    Raises DataError with what is wrong and the fix.
    """
    file = _file(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read ({error})") from None
    try:
        return _read(text.lstrip("\ufeff").replace("\r\n", "\n"), file.parent)
    except ValidationError as error:
        raise DataError(f"{file}: not the account of a run ({first_problem(error)})") from None
    except (OpenBezoarError, RecursionError) as error:
        raise DataError(f"{file}: {error}") from None


def recipe_of(account: Account, document: Path) -> Recipe:
    """The recipe of an account, read as a file of its own beside the document would be."""
    return parse(account.recipe, document.with_name(f"the recipe in {document.name}"))


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise DataError(f"{path}: holds none of {', '.join(NAMES)}")


def _read(text: str, folder: Path) -> Account:
    start = text.lstrip()[:100].lower()
    if start.startswith("{"):
        return _manifest(text, folder)
    if start.startswith(("<!doctype", "<html")):
        return _report(text)
    return _card(text)


def _manifest(text: str, folder: Path) -> Account:
    """The account of one artifact; its recipe lies in the store where it lies."""
    content = _json(text)
    _check_format(content)
    manifest = Manifest.model_validate(content)
    print_ = str(manifest.run.get("recipe_sha256") or "of an older version")
    return account_of([Artifact(folder.absolute(), manifest)], print_)


def _report(text: str) -> Account:
    found = IN_REPORT.findall(text)
    if len(found) != 1:
        what = "a page without the account of a run" if not found else "a page with two accounts"
        raise DataError(f"{what}; write the report again with bezoar report")
    content = _json(found[0])
    _check_format(content)
    return Account.model_validate(content)


def _card(text: str) -> Account:
    """The account of a card: the recipe whole, and of its results what the front matter says."""
    head = HEAD.search(text)
    facts = _yaml(head[1]) if head else {}
    own = facts.get("openbezoar")
    own = own if isinstance(own, dict) else {}
    print_ = str(own.get("recipe_sha256") or "")
    return Account.model_validate(
        {
            "recipe": _recipe_in(text, print_),
            "recipe_sha256": print_,
            "versions": {"openbezoar": str(own["version"])} if own.get("version") else {},
            "fingerprint": str(own.get("fingerprint") or ""),
            "scores": _scores(facts.get("model-index")),
        }
    )


def _recipe_in(text: str, print_: str) -> str:
    """The recipe of a card; of several, a row shown above it may hold one, that of the digest."""
    found = [str(block[2]) for block in IN_CARD.finditer(text)]
    if not found:
        raise DataError(
            "no report, no manifest, and no card with a yaml block under the heading Recipe"
        )
    right = [one for one in found if sha256(one.encode()).hexdigest() == print_]
    if len(found) > 1 and not right:
        raise DataError(f"holds {len(found)} recipes, none with the digest it tells; keep one")
    return (right or found)[0]


def _scores(index: Any) -> list[Score]:
    """The metrics of a model-index whose names and values can be compared."""
    results = [result for entry in _objects(index) for result in _objects(entry.get("results"))]
    metrics = [metric for result in results for metric in _objects(result.get("metrics"))]
    return [
        Score(
            name=stored_name(str(one.get("name") or one.get("type"))),
            value=one["value"],
            n=0,
            standard_error=_error(one.get("args")),
        )
        for one in metrics
        if isinstance(one.get("value"), int | float) and not isinstance(one["value"], bool)
    ]


def _error(arguments: Any) -> float | None:
    found = arguments.get("standard_error") if isinstance(arguments, dict) else None
    return found if isinstance(found, int | float) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _check_format(content: Any) -> None:
    number = content.get("format", FORMAT) if isinstance(content, dict) else FORMAT
    if isinstance(number, int) and number > FORMAT:
        raise DataError("written by a newer version; upgrade openbezoar to read it")
    if number != FORMAT:
        raise DataError(f"its format is {str(number)[:40]!r}, which no version writes")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DataError(f"not JSON ({error})") from None


def _yaml(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(found, dict):
        raise DataError("its front matter is no mapping")
    return found
