"""Asks a judge about labelled rows, through the store's cache: what is known is not asked again."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from openbezoar.component import OneOf, nearest
from openbezoar.driver import over_rows, wait_for
from openbezoar.errors import ConfigError
from openbezoar.families import Judge
from openbezoar.filters.judged import Judged
from openbezoar.jsonl import first_problem
from openbezoar.models.policies import open_model
from openbezoar.models.prices import price_of
from openbezoar.models.spending import Spending
from openbezoar.recipe import Recipe
from openbezoar.records import Example, Grade
from openbezoar.stages.filter import FilterStage
from openbezoar.store import Store

__all__ = ["Graded", "grade", "judge_of", "judged_part"]


class Graded(NamedTuple):
    """The grades of some rows, in their order, and what they cost."""

    grades: list[Grade]
    usd_per_1000: float | None
    """US dollars for a thousand such rows; None where the price is not known."""


def judged_part(recipe: Recipe, stage: str) -> Judged:
    """The `judged` filter of a stage; ConfigError when it has none, or several."""
    if stage not in recipe.stages:
        raise ConfigError(f"{recipe.name}: no stage {stage!r}{nearest(stage, recipe.stages)}")
    named = recipe.stages[stage]
    parts = named.filters if isinstance(named, FilterStage) else ()
    judged = [part for part in parts if isinstance(part, Judged)]
    if len(judged) != 1:
        have = [name for name in recipe.stages if _judges(recipe, name)]
        problem = f"{len(judged)} `judged` filters" if judged else "no `judged` filter"
        fix = f"one of: {', '.join(have)}" if have else "one that has a judge"
        raise ConfigError(f"stages.{stage}: has {problem}; name {fix}")
    return judged[0]


def judge_of(text: str, recipe: Recipe) -> Judge:
    """The judge of a stage, by its name, or one written as YAML."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--compare {text}: not YAML, such as '{_LIKE}'") from None
    if isinstance(given, str):
        return judged_part(recipe, given).judge
    try:
        judge = _JUDGE.validate_python(given)
    except ValidationError as error:
        raise ConfigError(f"--compare {text}: {first_problem(error)}; write '{_LIKE}'") from None
    if judge.model not in recipe.models:
        known = nearest(judge.model, recipe.models)
        raise ConfigError(f"--compare {text}: the recipe has no model {judge.model!r}{known}")
    try:
        judge.check_model(recipe.models[judge.model])
    except ConfigError as error:
        raise ConfigError(f"--compare {text}: {error}") from None
    return judge


def grade(judge: Judge, rows: Sequence[Example], recipe: Recipe, store: Store) -> Graded:
    """Grade the rows; one that cannot be asked about has an empty grade with the reason."""
    spec, usage = recipe.models[judge.model], dict[str, float]()
    spending = Spending(recipe.budget, recipe.prices)

    async def work() -> list[Grade]:
        async with open_model(spec, store.root / "completions.sqlite", usage, spending) as model:

            async def one(row: Example) -> Grade:
                return await judge.grade(row, model)

            return [
                outcome.result or Grade(reason=str(outcome.error))
                async for outcome in over_rows(rows, one)
            ]

    grades = wait_for(work())
    price = price_of(spec, recipe.prices)
    if price is None or not rows or usage.get("uncounted"):
        return Graded(grades, None)
    usd = price.usd(usage.get("tokens_in", 0), usage.get("tokens_out", 0))
    return Graded(grades, 1000 * usd / len(rows))


_JUDGE: TypeAdapter[Judge] = TypeAdapter(Annotated[Judge, OneOf("openbezoar.judges")])
_LIKE = "{kind: acceptance, model: NAME}"


def _judges(recipe: Recipe, stage: str) -> bool:
    parts = getattr(recipe.stages[stage], "filters", ())
    return any(isinstance(part, Judged) for part in parts)
