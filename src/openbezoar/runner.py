"""Walks a recipe: skips what is made, makes what is not, commits each artifact when finished."""

from collections.abc import Callable
from functools import partial

from openbezoar.errors import ConfigError, DataError, ModelError, OpenBezoarError
from openbezoar.estimates.forecast import forecast
from openbezoar.estimates.keeping import keep
from openbezoar.estimates.probes import PROBED, probe_store, seen_in_probes
from openbezoar.making import Run, Say, make
from openbezoar.models.spending import Spending
from openbezoar.plan import Step, check_ready, plan
from openbezoar.recipe import Recipe, text_of
from openbezoar.store import Artifact, Store

__all__ = ["probe", "run"]


def run(recipe: Recipe, store: Store, say: Say) -> list[Artifact]:
    """Make every artifact of the recipe that is not there yet, and return them all.

    `say(stage, text)` is told what happens. Raises what a stage raises; what was finished stays.
    What each stage is expected to take is kept first, to be compared with what it took.
    """
    with store.locked():
        steps = plan(recipe, store)
        _check_ready(steps, recipe)
        _check_inputs(steps, store)
        spending = Spending(recipe.budget, recipe.prices)
        run = Run(recipe, store, spending, store.root, store.keep_recipe(text_of(recipe)))
        _keep_estimates(run, steps, say)
        for name in store.sweep([step.fingerprint for step in steps]):
            say(name.rpartition("-")[0], f"removed {name}: unfinished, and nothing to go on from")
        for step in steps:
            artifact = store.find(step.name, step.fingerprint)
            if artifact is None:
                run.spending.deadline.check()
                artifact = _attempt(step, run, say)
            else:
                say(step.name, "made already")
            run.made[step.fingerprint] = artifact
    return list(run.made.values())


def probe(recipe: Recipe, store: Store, most: int, say: Say) -> dict[str, str]:
    """Make at most so many rows of each stage of rows, beside the store; why some made none.

    A run finds the answers in the store's cache and does not ask for them again.
    """
    aside = probe_store(store, most)
    spending = Spending(recipe.budget, recipe.prices)
    kept = aside.keep_recipe(text_of(recipe))
    run = Run(recipe, aside, spending, store.root, kept, most)
    failed: dict[str, str] = {}
    silent: set[str] = set()
    with store.locked():
        steps = [step for step in plan(recipe, aside) if step.stage.kind in PROBED]
        _check_ready(steps, recipe)
        for step in steps:
            lacking = failed.keys() & step.inputs
            if lacking or silent.intersection(step.stage.uses()):
                failed[step.name] = f"{', '.join(sorted(lacking)) or 'its model'} failed before"
                continue
            try:
                found = aside.find(step.name, step.fingerprint)
                run.made[step.fingerprint] = found or make(step, run, say)
            except (DataError, ModelError) as error:
                failed[step.name] = str(error)
                silent.update(step.stage.uses() if isinstance(error, ModelError) else ())
    return failed


def _attempt(step: Step, run: Run, say: Say) -> Artifact:
    """Make it, or leave word of what stopped it for the report."""
    try:
        return make(step, run, say)
    except OpenBezoarError as error:
        run.store.note_stop(step.name, step.fingerprint, str(error))
        raise


def _keep_estimates(run: "Run", steps: list[Step], say: Say) -> None:
    """Keep what is expected now; a run needs no estimate, so that a broken file stops none."""
    begun = [step.fingerprint for step in steps if step.state == "to continue"]
    try:
        known = seen_in_probes(run.store, steps)
        keep(run.store, forecast(run.recipe, steps, run.store, known), begun)
    except OpenBezoarError as error:
        say(steps[0].name, f"warning: no estimate is kept: {error}")


def _check_ready(steps: list[Step], recipe: Recipe) -> None:
    """Find what is missing before the first stage, not after a night of the others."""
    left = {step.name: step.stage for step in steps if step.state != "made"}
    needed = {name for stage in left.values() for name in (*stage.uses(), *stage.reads())}
    checks: list[tuple[str, Callable[[], None]]] = [
        (f"stages.{name}", partial(check_ready, stage, recipe)) for name, stage in left.items()
    ]
    checks += [
        (f"models.{name}", spec.check_ready)
        for name, spec in recipe.models.items()
        if name in needed
    ]
    checks += [
        (f"stages.{name}", partial(stage.check_start, recipe.models, left))
        for name, stage in left.items()
    ]
    for place, check in checks:
        try:
            check()
        except (ConfigError, DataError) as error:
            raise type(error)(f"{place}: {error}") from None


def _check_inputs(steps: list[Step], store: Store) -> None:
    """Whatever of the store is read again must be what was made."""
    found = {step.fingerprint: store.find(step.name, step.fingerprint) for step in steps}
    made = {print_: artifact for print_, artifact in found.items() if artifact is not None}
    for step in steps:
        if step.fingerprint not in made:
            given = {name: made[print_] for name, print_ in step.inputs.items() if print_ in made}
            step.stage.check_inputs(given)
