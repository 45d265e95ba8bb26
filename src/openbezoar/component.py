"""A part is its own configuration: frozen settings with a `kind`, found in its family's folder."""

import difflib
import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterator
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue
from pydantic_core import CoreSchema

__all__ = [
    "ASIDE",
    "WRITTEN",
    "Component",
    "OneOf",
    "Runtime",
    "digest",
    "discover",
    "logistics",
    "nearest",
    "science",
    "written",
]

ASIDE = ("runtime", "licence")
"""The settings that never change a result: where and how fast it is made, and what is allowed."""

WRITTEN = {"rows_of": "rows"}
"""What recipes call the settings that have another name in code; manifests hold the latter."""


class Component(BaseModel):
    """Settings that are fixed once made and refuse keys they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Runtime(Component):
    """Logistics: what changes where and how fast a result is made, never the result itself."""


class OneOf:
    """Marks a field that holds one of a family's parts, told apart by `kind`.

    `scheme: Annotated[Scheme, OneOf("openbezoar.schemes")]` accepts every subclass with a `kind`
    found in that folder; a type checker sees `Scheme`.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    def __get_pydantic_core_schema__(
        self, source: type[Component], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Build the discriminated union of the parts in the folder."""
        parts = discover(self.package, source)
        if len(parts) == 1:
            return handler.generate_schema(next(iter(parts.values())))
        union = reduce(or_, parts.values())
        return handler.generate_schema(Annotated[union, Field(discriminator="kind")])


@cache
def discover(package: str, family: type[Component]) -> dict[str, type[Component]]:
    """Import every module of a folder and return the family's parts by kind, sorted."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
    parts = {
        str(part.model_fields["kind"].default): part
        for part in _descendants(family)
        if "kind" in part.model_fields and part.__module__.startswith(package + ".")
    }
    return dict(sorted(parts.items()))


def science(component: BaseModel) -> JsonValue:
    """Everything that determines a result: all settings but those that never change one."""
    return _without_the_rest(component.model_dump(mode="json"))


def logistics(component: BaseModel) -> dict[str, JsonValue]:
    """Every runtime among the settings, by its place: where and how fast, never what."""
    return dict(_runtimes(component.model_dump(mode="json"), ""))


def written(settings: JsonValue) -> JsonValue:
    """Settings of a manifest under the names that a recipe gives them."""
    if isinstance(settings, dict):
        return {WRITTEN.get(name, name): written(one) for name, one in settings.items()}
    return [written(one) for one in settings] if isinstance(settings, list) else settings


def digest(value: JsonValue) -> str:
    """The sha256 of a JSON value in canonical form."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def nearest(word: str, known: Any) -> str:
    """A " (did you mean ...?)" for a misspelt word, or the known words when none is near."""
    names = sorted(str(name) for name in known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f" (known: {', '.join(names)})" if names else ""


def _descendants(family: type[Component]) -> list[type[Component]]:
    found = []
    for child in family.__subclasses__():
        found += [child, *_descendants(child)]
    return found


def _runtimes(value: Any, place: str) -> Iterator[tuple[str, JsonValue]]:
    for name, one in value.items() if isinstance(value, dict) else enumerate(value):
        if name == "runtime":
            yield f"{place}{name}", one
        elif isinstance(one, dict | list):
            yield from _runtimes(one, f"{place}{name}.")


def _without_the_rest(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {k: _without_the_rest(v) for k, v in value.items() if k not in ASIDE}
    if isinstance(value, list):
        return [_without_the_rest(item) for item in value]
    return value
