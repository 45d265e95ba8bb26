"""The page of recipes: every kind of part and its settings, as the parts themselves say."""

import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from openbezoar.component import Component, OneOf, discover
from openbezoar.families import (
    Evaluation,
    Filter,
    Judge,
    ModelSpec,
    Objective,
    Scheme,
    Source,
    Stage,
)
from openbezoar.recipe import Recipe

__all__ = ["FAMILIES", "about", "markdown"]

FAMILIES: dict[str, type[Component]] = {
    "models": ModelSpec,
    "stages": Stage,
    "sources": Source,
    "schemes": Scheme,
    "filters": Filter,
    "judges": Judge,
    "objectives": Objective,
    "evaluations": Evaluation,
}
"""Each family by its folder, in the order of the page."""

_INTRODUCTION = """\
# Recipes: every part and its settings

Written by `make reference` from the parts themselves; a test keeps it equal to them.
[The line](line.md) shows the parts at work, [extending](extending.md) how to add one.

A recipe is one YAML file: `models` by name, and `stages` by name in the order in which they run.
A part is a mapping with a `kind` and that kind's settings. A dot in a setting's name is one level
of YAML: `sampling.temperature` is written `sampling: {temperature: 0.8}`, and on the command line
`-s stages.evol.scheme.sampling.temperature=0.8`.

An artifact is named by all its settings but those under `runtime`, which change where and how fast
a result is made, never what it is, beyond rounding. An unknown key is an error that names the
nearest known one.
"""
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    NoneType: "null",
}
_END = "...\n"
"""What YAML puts after a lone word."""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class _Setting(NamedTuple):
    name: str
    type: str
    default: str
    description: str


def markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, "## The recipe\n", about(Recipe)]
    for folder, family in FAMILIES.items():
        parts.append(f"## {folder.capitalize()}\n\n{_doc(family)}\n")
        for kind, part in discover(f"openbezoar.{folder}", family).items():
            parts += [f"### {kind}\n", about(part)]
    return "\n".join(parts)


def about(part: type[Component]) -> str:
    """What one part is, and the table of its settings."""
    rows = list(_settings(part))
    if not rows:
        return f"{_doc(part)}\n\nIt has no settings.\n"
    lines = [_doc(part), "", "| setting | type | default | what it is |", "|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | {row.type} | {row.default} | {_cell(row.description)} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _doc(part: type[Component]) -> str:
    return inspect.getdoc(part) or ""


def _cell(text: str) -> str:
    """Text that neither ends a table's cell nor passes for a tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _settings(part: type[Component], values: Component | None = None) -> Iterator[_Setting]:
    """The settings of a part; those of a block are named with a dot, its `values` the defaults.

    Logistics come last, also where a part adds settings to those of its family.
    """
    for name, field in sorted(part.model_fields.items(), key=lambda pair: pair[0] == "runtime"):
        if name == "kind":
            continue
        default = field.get_default(call_default_factory=True)
        default = default if values is None else getattr(values, name)
        shown = field.alias or name
        if isinstance(default, Component):
            yield from _of_block(shown, field, default)
        else:
            kind = _type(field.annotation, field.metadata)
            yield _Setting(shown, kind, _default(default), field.description or "")


def _of_block(name: str, field: FieldInfo, values: Component) -> Iterator[_Setting]:
    yield _Setting(name, "block", "", field.description or _doc(type(values)))
    for row in _settings(type(values), values):
        yield row._replace(name=f"{name}.{row.name}")


def _default(value: Any) -> str:
    return "required" if value is PydanticUndefined else _yaml(value)


def _yaml(value: Any) -> str:
    """A value as it is written in a recipe: the word off needs quotes there."""
    plain = to_jsonable_python(value)
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return f"`{text.removesuffix(_END).strip()}`"


def _type(annotation: Any, metadata: Any = ()) -> str:
    """An annotation in words, with the bounds or the family that stand beside it."""
    family = next((mark.package for mark in metadata if isinstance(mark, OneOf)), "")
    if family:
        folder = family.rpartition(".")[2]
        return f"one of the [{folder}](#{folder})"
    if get_origin(annotation) in (Union, UnionType):
        choices = get_args(annotation)
        return " or ".join(_type(one, () if one is NoneType else metadata) for one in choices)
    return _bare(annotation) + _bounds(metadata)


def _bounds(metadata: Any) -> str:
    found = [
        f"{sign} {getattr(mark, name):g}"
        for mark in metadata
        for name, sign in _BOUNDS.items()
        if hasattr(mark, name)
    ]
    return " " + ", ".join(found) if found else ""


def _bare(annotation: Any) -> str:
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(map(_yaml, arguments))
    if origin is tuple or origin is dict:
        return _collection(origin, arguments)
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return f"{{{', '.join(annotation.model_fields)}}}"
    return _WORDS.get(annotation, "anything")


def _collection(origin: type, arguments: tuple[Any, ...]) -> str:
    if origin is dict:
        return f"mapping: {_type(arguments[0])} to {_type(arguments[1])}"
    if arguments[-1] is Ellipsis:
        return f"list: {_type(arguments[0])}"
    return f"[{', '.join(_type(item) for item in arguments)}]"
