"""What a run would do before it does it: which artifacts are there, which are made, and why."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.component import science
from openbezoar.families import Stage
from openbezoar.recipe import Recipe
from openbezoar.store import Artifact, Store, fingerprint

__all__ = ["Step", "plan"]

State = Literal["made", "to make", "to make again", "to continue"]


class Step(NamedTuple):
    """One stage of a recipe, and what a run would do with it."""

    name: str
    stage: Stage
    makes: str
    science: JsonValue
    inputs: dict[str, str]
    fingerprint: str
    state: State
    why: str


def plan(recipe: Recipe, store: Store) -> list[Step]:
    """The steps of a run, in order; reads the store and the digests of local files only."""
    kinds = recipe.kinds()
    latest = {artifact.manifest.stage: artifact for artifact in store.artifacts()}
    prints: dict[str, str] = {}
    steps = []
    for name, stage in recipe.stages.items():
        inputs = {read: prints[read] for read in stage.reads() if read in prints}
        content = _science(name, stage, recipe)
        prints[name] = fingerprint(content, inputs)
        state, why = _state(store, name, prints[name], latest.get(name), (content, inputs))
        steps.append(Step(name, stage, kinds[name], content, inputs, prints[name], state, why))
    return steps


def _science(name: str, stage: Stage, recipe: Recipe) -> JsonValue:
    """All that determines the artifact, beside its inputs."""
    named = {*stage.uses(), *stage.reads()} & set(recipe.models)
    return {
        "stage": name,
        "settings": science(stage),
        "version": stage.version,
        "seed": recipe.seed,
        "models": {
            model: [science(recipe.models[model]), recipe.models[model].evidence()]
            for model in sorted(named)
        },
        "evidence": stage.evidence(),
    }


def _state(
    store: Store,
    name: str,
    print_: str,
    before: Artifact | None,
    now: tuple[JsonValue, dict[str, str]],
) -> tuple[State, str]:
    if store.find(name, print_):
        return "made", ""
    if store.has_begun(name, print_):
        return "to continue", "an earlier run did not finish it"
    if before is None:
        return "to make", "new"
    changes = list(_differences(before.manifest.science, now[0]))
    changes += [
        f"{read} changes"
        for read, given in now[1].items()
        if before.manifest.inputs.get(read) != given
    ]
    return "to make again", "; ".join(changes[:3]) or "other inputs"


def _differences(old: JsonValue, new: JsonValue, place: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            below = f"{place}.{key}" if place else key
            yield from _differences(old.get(key), new.get(key), below)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, place=f"{place}.{position}")
    elif old != new:
        yield f"{place.removeprefix('settings.')}: {_short(old)} → {_short(new)}"


def _short(value: JsonValue) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
