"""Writes the recipe that five answers describe, with a comment on what each part does."""

import math
import re
from functools import cache
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from openbezoar.errors import ConfigError
from openbezoar.recipe import Recipe, parse
from openbezoar.starting.answers import QUESTIONS, Answers, teacher_of

__all__ = ["recipe_text", "write_recipe"]

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")
WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
"""What YAML takes for something other than a text."""


def write_recipe(path: Path, answers: Answers, force: bool = False) -> Recipe:
    """Write the recipe these answers describe, and return it as it is read back.

    Raises ConfigError for an answer that is none, and where a file is there already.
    """
    for question in QUESTIONS:
        question.check(getattr(answers, question.name))
    if path.exists() and not force:
        raise ConfigError(f"{path}: is there already; name another file, or add --force")
    text = recipe_text(path, answers)
    recipe = parse(text, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return recipe


def recipe_text(path: Path, answers: Answers) -> str:
    """The recipe as a commented YAML file."""
    given = answers._asdict() | {"teacher": teacher_of(answers.teacher)}
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "first"
    return _environment().get_template("recipe.yaml.jinja").render(given, path=path, name=name)


def _quoted(text: object) -> str:
    """A text as YAML reads it back, in quotes only where it needs them."""
    plain = str(text)
    if PLAIN.fullmatch(plain) and plain.lower() not in WORDS:
        return plain
    quoted: str = yaml.safe_dump(plain, default_style='"', allow_unicode=True, width=math.inf)
    return quoted.strip()


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - YAML: what is not ours passes through `quoted`
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["quoted"] = _quoted
    return environment
