"""The recipe: all that determines a result, read from one YAML file and checked as a whole."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from openbezoar.component import Component, OneOf, nearest
from openbezoar.errors import ConfigError
from openbezoar.families import Evaluation, ModelSpec, Stage
from openbezoar.models.budget import RunBudget
from openbezoar.models.prices import Price
from openbezoar.models.spending import check_prices
from openbezoar.overrides import apply
from openbezoar.problems import explain, worded
from openbezoar.yaml_text import content_of, line_of, read_text

__all__ = ["Recipe", "keeping_contaminated", "load", "parse", "schema", "text_of"]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Recipe(Component):
    """Models by name, and stages in the order in which they run."""

    name: str
    description: str = ""
    seed: int = 0
    """Every random choice of the run depends on it."""
    models: dict[str, Annotated[ModelSpec, OneOf("openbezoar.models")]] = {}
    stages: dict[str, Annotated[Stage, OneOf("openbezoar.stages")]] = Field(min_length=1)
    budget: RunBudget | None = None
    """What one run may take, in money and tokens on all models together, and in hours; no part of
    any fingerprint."""
    prices: dict[str, Price] = {}
    """US dollars per million tokens, by the model's name on its server; wins over list prices."""

    @model_validator(mode="after")
    def _settle(self) -> "Recipe":
        settled = {name: stage.settled(name, self.stages) for name, stage in self.stages.items()}
        for name, stage in settled.items():
            # What was settled was not set: the recipe that is kept and shown is the user's own.
            stage.model_fields_set.intersection_update(self.stages[name].model_fields_set)
        self.stages.update(settled)
        return self

    def evaluations(self) -> list[Evaluation]:
        """What its stages measure with, each evaluation once."""
        found: list[Evaluation] = []
        for stage in self.stages.values():
            found += [part for part in stage.measures() if part not in found]
        return found

    def kinds(self) -> dict[str, str]:
        """What every name holds; ConfigError when a stage reads what is absent or does not fit."""
        kinds = {
            name: "checkpoint" if spec.trains else "a model that answers"
            for name, spec in self.models.items()
        }
        for name, stage in self.stages.items():
            _check_name(name, kinds)
            for read in stage.reads():
                if read not in kinds:
                    missing = self._missing(read, kinds)
                    raise ConfigError(f"stages.{name}: reads {read!r}, {missing}")
            for used in stage.uses():
                if used not in self.models:
                    raise ConfigError(
                        f"stages.{name}: uses model {used!r}, which is not under `models`"
                        + nearest(used, self.models)
                    )
            try:
                stage.check_models(self.models)
                stage.check_stages(self.stages)
                for used in stage.uses():
                    check_prices(self.models[used], self.budget, self.prices)
                kinds[name] = stage.makes(kinds)
            except ConfigError as error:
                raise ConfigError(f"stages.{name}: {error}") from None
        return kinds

    def limited(self, usd: float | None, hours: float | None) -> "Recipe":
        """The same with these limits in place of its own; ConfigError when they cannot be kept."""
        given = {"usd": usd, "hours": hours}
        wanted = {name: value for name, value in given.items() if value is not None}
        if not wanted:
            return self
        own = self.budget.model_dump(exclude_unset=True) if self.budget else {}
        try:
            budget = RunBudget.model_validate({**own, **wanted})
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = problem["loc"][0]
            raise ConfigError(f"--max-{where}: {worded(problem)}") from None
        recipe = self.model_copy(update={"budget": budget})
        recipe.kinds()
        return recipe

    def keys_sent(self) -> dict[str, tuple[str, str]]:
        """By model that a stage uses: the variable whose key it sends, and where to."""
        used = {name for stage in self.stages.values() for name in stage.uses()}
        sent = {name: spec.sends_key() for name, spec in self.models.items() if name in used}
        return {name: where for name, where in sent.items() if where is not None}

    def _missing(self, read: str, kinds: dict[str, str]) -> str:
        if read in self.stages:
            return "which does not stand above it; move the stage that reads below what it reads"
        return f"which no stage above it makes{nearest(read, kinds)}"


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply `path.to.key=value` overrides, and check the whole line.

    Raises ConfigError with file, line, the place in the recipe and the fix.
    """
    return parse(read_text(path), path, overrides)


def parse(text: str, path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that a text holds; `path` is where messages and relative paths place it."""
    content = content_of(text, path)
    for override in overrides:
        apply(content, override)
    try:
        recipe = Recipe.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        place, problem = explain(Recipe, error)
        where = ".".join(place) or "recipe"
        raise ConfigError(f"{path}{line_of(text, place)}: {where}: {problem}") from None
    try:
        recipe.kinds()
    except ConfigError as error:
        stage = str(error).split(":", 1)[0].split(".")
        raise ConfigError(f"{path}{line_of(text, stage)}: {error}") from None
    return recipe


def keeping_contaminated(recipe: Recipe) -> list[str]:
    """The overrides by which every filter that looks for benchmark items keeps what it finds."""
    found = [
        f"stages.{name}.filters.{place}.flagged=keep"
        for name, stage in recipe.stages.items()
        for place, part in enumerate(getattr(stage, "filters", ()))
        if part.kind == "contamination"
    ]
    if not found:
        raise ConfigError("--keep-contaminated: no filter of the recipe is of kind contamination")
    return found


def text_of(recipe: Recipe) -> str:
    """The recipe as YAML that loads as the same recipe: what was set, overrides among it."""
    content = recipe.model_dump(mode="json", exclude_unset=True, by_alias=True)
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors that complete and check YAML."""
    return Recipe.model_json_schema()


def _check_name(name: str, kinds: dict[str, str]) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(f"stages.{name}: a name has lower-case letters, digits, - and _ only")
    if name in kinds:
        raise ConfigError(f"stages.{name}: a model has this name already; choose another")
