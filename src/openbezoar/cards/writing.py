"""Writes the card of an artifact: metadata for the hub, then what its manifests say."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from openbezoar.cards import tables
from openbezoar.cards.limits import limits
from openbezoar.cards.markdown import code, fenced, plain
from openbezoar.cards.metadata import metadata
from openbezoar.cards.subject import Subject, Told, find_subject
from openbezoar.licences import LicenceVerdict
from openbezoar.store import Artifact, Store

__all__ = ["card", "recipe_in"]

_FOLDER = Path(__file__).parent
_PARTS = re.compile(
    r"^(?P<fence>`{3,}|~{3,})(?P<language>[^`~\n]*)\n(?P<text>.*?)^(?P=fence) *$"
    r"|^#+ *(?P<heading>[^\n]*?) *$",
    re.MULTILINE | re.DOTALL,
)
"""Blocks of code and headings; what looks like either within a block is taken with the block."""


def card(
    store: Store, artifact: Artifact, verdict: LicenceVerdict, told: Told | None = None
) -> str:
    """The card of rows or of weights, as the README.md of a repository of the hub."""
    subject = find_subject(store, artifact, verdict, told or Told())
    name = "model" if subject.is_model else "dataset"
    body = _environment().get_template(f"{name}.md.jinja").render(_given(subject))
    front = metadata(subject).to_yaml()
    return f"---\n{front}\n---\n\n{body.strip()}\n"


def recipe_in(text: str) -> str | None:
    """The block of YAML under the heading Recipe; None where a card holds none."""
    heading = ""
    for part in _PARTS.finditer(text):
        if part["heading"] is not None:
            heading = part["heading"]
        elif heading == "Recipe" and part["language"].strip() in ("yaml", "yml"):
            return part["text"]
    return None


def _given(subject: Subject) -> dict[str, object]:
    return {
        "subject": subject,
        "run": subject.made.run,
        "verdict": subject.verdict,
        "tables": tables,
        "limits": limits(subject),
        "fields": _fields(subject),
        "template": _template(subject),
    }


def _fields(subject: Subject) -> list[str]:
    """The names in the first row."""
    from openbezoar import jsonl

    for name in ("rows.jsonl", "train.jsonl"):
        path = subject.made.artifact.folder / name
        if path.exists():
            for _, row in jsonl.read_objects(path):
                return list(row)
    return []


def _template(subject: Subject) -> str:
    """The chat template that lies with the weights."""
    for folder in ("model", "adapter"):
        path = subject.made.artifact.folder / folder / "chat_template.jinja"
        if path.exists():
            return path.read_text(encoding="utf-8")
    return ""


@cache
def _environment() -> Environment:
    """Whatever a template prints is shown as it is, unless it is Markdown already."""
    environment = Environment(  # noqa: S701 - `finalize` escapes for Markdown, and HTML with it
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": code, "fenced": fenced}
    return environment
