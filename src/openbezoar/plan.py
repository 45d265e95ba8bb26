"""What a run would do before it does it: which artifacts are there, which are made, and why."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.component import WRITTEN, Component, logistics, science
from openbezoar.devices import check_device
from openbezoar.errors import ConfigError, DataError, MissingExtra
from openbezoar.families import ModelSpec, Stage
from openbezoar.recipe import Recipe
from openbezoar.store import Artifact, Store, fingerprint

__all__ = ["REFUSED", "Step", "check_ready", "differences", "plan"]

REFUSED = "a run will refuse: "
"""How a warning begins that stops a run."""

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
    notes: tuple[str, ...] = ()
    """What the store knows of its judges."""
    warnings: tuple[str, ...] = ()
    """What a person should know before trusting it."""


def plan(recipe: Recipe, store: Store) -> list[Step]:
    """The steps of a run, in order; reads the store and the digests of local files only."""
    kinds = recipe.kinds()
    artifacts = store.artifacts()
    latest = {artifact.manifest.stage: artifact for artifact in artifacts}
    prints: dict[str, str] = {}
    steps = []
    for name, stage in recipe.stages.items():
        inputs = {read: prints[read] for read in stage.reads() if read in prints}
        content = _science(name, stage, recipe)
        prints[name] = fingerprint(content, inputs)
        state, why = _state(store, name, prints[name], latest.get(name), (content, inputs))
        hindrance = _hindrance(stage, recipe) if state != "made" else []
        notes = tuple(stage.notes(name, artifacts, recipe.models))
        warnings = (*hindrance, *stage.warnings(_teachers(name, recipe), recipe.models))
        step = Step(name, stage, kinds[name], content, inputs, prints[name], state, why)
        steps.append(step._replace(notes=notes, warnings=warnings))
    return [
        step._replace(warnings=(*step.warnings, *unsearched))
        for step, unsearched in zip(steps, _unsearched(recipe), strict=True)
    ]


def check_ready(stage: Stage, recipe: Recipe) -> None:
    """Raise ConfigError or MissingExtra when the stage could not run here as things are."""
    stage.check_ready(recipe.models)
    _check_devices(stage)
    for name in stage.opens():
        _check_devices(recipe.models[name], f"models.{name}.")


def differences(old: JsonValue, new: JsonValue, place: str = "") -> Iterator[str]:
    """What changed between two states of settings, a line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            name = WRITTEN.get(key, key)
            below = f"{place}.{name}" if place else name
            yield from differences(old.get(key), new.get(key), below)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, place=f"{place}.{position}")
    elif old != new:
        yield f"{place.removeprefix('settings.')}: {_short(old)} → {_short(new)}"


def _check_devices(part: Component, place: str = "") -> None:
    for name, settings in logistics(part).items():
        device = settings.get("device") if isinstance(settings, dict) else None
        try:
            check_device(str(device or "auto"))
        except ConfigError as error:
            raise ConfigError(f"{place}{name}.{error}") from None


def _unsearched(recipe: Recipe) -> list[list[str]]:
    """For each stage its warnings; one, at the first train stage whose rows may be contaminated."""
    sought = dict.fromkeys(name for part in recipe.evaluations() for name in part.benchmarks())
    stages = [name for name in recipe.stages if _learns_unsearched(name, recipe)]
    warning = (
        f"what {', '.join(stages)} will learn from is not searched for the items of "
        f"{', '.join(sought)}; add `- {{kind: contamination}}` to the last filter stage on the way"
    )
    return [[warning] if sought and name in stages[:1] else [] for name in recipe.stages]


def _learns_unsearched(name: str, recipe: Recipe) -> bool:
    """Whether rows reach a train stage past no filter that looks for the recipe's benchmarks."""
    if recipe.stages[name].kind != "train":
        return False
    waiting = [*recipe.stages[name].reads()]
    while waiting:
        stage = recipe.stages.get(waiting.pop())
        if stage is None or stage.kind in ("train", "merge"):
            continue
        if stage.kind in ("source", "generate"):
            return True
        if stage.heeds(recipe.evaluations()) is None:
            waiting += stage.reads()
    return False


def _science(name: str, stage: Stage, recipe: Recipe) -> JsonValue:
    """All that determines the artifact, beside its inputs."""
    named = {*stage.uses(), *stage.reads()} & set(recipe.models)
    try:
        heeded = stage.heeds(recipe.evaluations())
    except ConfigError as error:
        raise ConfigError(f"stages.{name}: {error}") from None
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
        **({} if heeded is None else {"benchmarks": heeded}),
    }


def _teachers(name: str, recipe: Recipe) -> dict[str, ModelSpec]:
    """The models that wrote what comes to a stage, by the stage where they did."""
    above: dict[str, Stage] = {}
    waiting = [name]
    while waiting:
        reads = [read for read in recipe.stages[waiting.pop()].reads() if read in recipe.stages]
        waiting += [read for read in reads if read not in above]
        above |= {read: recipe.stages[read] for read in reads}
    return {
        place: recipe.models[teacher]
        for place, stage in above.items()
        for teacher in stage.teachers()
    }


def _hindrance(stage: Stage, recipe: Recipe) -> list[str]:
    """Why a run would refuse the stage as things are."""
    try:
        check_ready(stage, recipe)
    except (ConfigError, DataError, MissingExtra) as error:
        return [f"{REFUSED}{error}"]
    return []


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
    changes = list(differences(before.manifest.science, now[0]))
    changes += [
        f"{read} changes"
        for read, given in now[1].items()
        if before.manifest.inputs.get(read) != given
    ]
    return "to make again", "; ".join(changes[:3]) or "other inputs"


def _short(value: JsonValue) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
