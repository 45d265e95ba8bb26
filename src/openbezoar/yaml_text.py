"""A recipe's text: YAML that is read safely, and where in it something stands."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from openbezoar.errors import ConfigError

__all__ = ["content_of", "line_of", "problem_of", "read_text"]


def read_text(path: Path) -> str:
    """The text of a file; ConfigError when there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such recipe") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None


def content_of(text: str, path: Path) -> dict[str, Any]:
    """The mapping that a text holds, no part of it shared; ConfigError names `path` and line."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses repeats
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_mark(error)}: {problem_of(error)}") from None
    except ValueError as error:  # such as the 45th of a month
        raise ConfigError(f"{path}: not YAML ({error})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a recipe is a mapping with `name`, `models` and `stages`")
    try:
        unshared: dict[str, Any] = _unshared(content)
    except RecursionError:
        raise ConfigError(f"{path}: an alias holds itself") from None
    return unshared


def line_of(text: str, place: Sequence[str]) -> str:
    """`:41` when the place, or the nearest part above it, stands in the file."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0
    for part in place:
        if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
    return f":{line + 1}"


def problem_of(error: Exception) -> str:
    """What is wrong with a text, in one line."""
    if isinstance(error, yaml.MarkedYAMLError):
        context, mark = error.context or "", error.context_mark
        if mark and context.startswith("found duplicate anchor"):
            anchor = context.split("'")[1]
            first = f"first in line {mark.line + 1}"
            return f"anchor {anchor!r} is set twice, {first}; a file holds one recipe"
        if context.startswith("expected a single document"):
            return "a second document begins here; a file holds one recipe"
    return " ".join(str(getattr(error, "problem", None) or error).split())


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, which plain YAML would drop in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"key {key.value!r} is given twice", key.start_mark
                )
            seen.update([key.value] if isinstance(key, yaml.ScalarNode) else [])
        return node


def _mark(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _unshared(value: Any) -> Any:
    """A copy in which no two places are one object, so that an override changes one place only."""
    if isinstance(value, dict):
        return {key: _unshared(below) for key, below in value.items()}
    return [_unshared(below) for below in value] if isinstance(value, list) else value
