"""Prompts: one jinja file each; `render` fills one, `fingerprint` names its wording."""

import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, meta, nodes

__all__ = ["fingerprint", "names", "passages", "render"]

_FOLDER = Path(__file__).parent


def render(name: str, **fields: object) -> str:
    """Fill the prompt `name`.jinja; an unknown or missing field raises jinja2.UndefinedError."""
    return _template(name).render(**fields).strip()


def fingerprint(name: str) -> str:
    """Twelve hexadecimal digits that change with the prompt's wording."""
    return hashlib.sha256((_FOLDER / f"{name}.jinja").read_bytes()).hexdigest()[:12]


def names() -> list[str]:
    """All prompts, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.jinja"))


def fields(name: str) -> set[str]:
    """The fields a prompt needs."""
    source = (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    return meta.find_undeclared_variables(_environment().parse(source))


def passages(name: str) -> list[str]:
    """The prompt's own words, in the pieces that its fields and conditions divide it into."""
    source = (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    tree = _environment().parse(source)
    literals = [node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
    return literals + [node.data for node in tree.find_all(nodes.TemplateData)]


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 - prompts are plain text, not HTML
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


@cache
def _template(name: str) -> Template:
    return _environment().get_template(f"{name}.jinja")
