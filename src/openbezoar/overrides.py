"""Overrides of a recipe's settings from the command line: `-s path.to.key=value`."""

from typing import Any

import yaml

from openbezoar.component import nearest
from openbezoar.errors import ConfigError
from openbezoar.yaml_text import problem_of

__all__ = ["apply"]


def apply(content: dict[str, Any], override: str) -> None:
    """Change a recipe's content in place; ConfigError when the path leads nowhere."""
    path, equals, value = override.partition("=")
    if not equals or not all(path.split(".")):
        raise ConfigError(f"-s {override}: write path.to.key=value")
    *parents, last = path.split(".")
    place: Any = content
    for depth, part in enumerate(parents):
        place = _descend(place, part, ".".join(parents[: depth + 1]), create=depth >= 2)
    try:
        value = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"-s {path}: the value is not YAML ({problem_of(error)})") from None
    if isinstance(place, list):
        place[_index(last, place, path)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise ConfigError(f"-s {path}: there is nothing below {'.'.join(parents)}")


def _descend(place: Any, part: str, so_far: str, create: bool) -> Any:
    if isinstance(place, list):
        return place[_index(part, place, so_far)]
    if not isinstance(place, dict):
        raise ConfigError(f"-s {so_far}: there is nothing below this key")
    if part not in place:
        if not create:
            raise ConfigError(f"-s {so_far}: no such key{nearest(part, place)}")
        place[part] = {}
    return place[part]


def _index(part: str, place: list[Any], path: str) -> int:
    if not part.isdigit() or int(part) >= len(place):
        raise ConfigError(f"-s {path}: give a position from 0 to {len(place) - 1}")
    return int(part)
