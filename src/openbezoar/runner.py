"""Walks a recipe: skips what is made, makes what is not, commits each artifact when finished."""

import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from openbezoar import memory
from openbezoar.errors import ConfigError, StoreError
from openbezoar.families import Bench, ChatModel
from openbezoar.models.policies import open_model
from openbezoar.models.spending import Spending
from openbezoar.models.transformers import Transformers
from openbezoar.plan import Step, plan
from openbezoar.progress import Pace
from openbezoar.recipe import Recipe
from openbezoar.store import Artifact, Manifest, Store

__all__ = ["run"]

Say = Callable[[str, str], None]
VERSIONS = (
    "openbezoar",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "lm_eval",
    "xllamacpp",
    "rensa",
)


def run(recipe: Recipe, store: Store, say: Say) -> list[Artifact]:
    """Make every artifact of the recipe that is not there yet, and return them all.

    `say(stage, text)` is told what happens. Raises what a stage raises; what was finished stays.
    """
    run = _Run(recipe, store, Spending(recipe.budget, recipe.prices))
    with store.locked():
        steps = plan(recipe, store)
        _check_ready(steps, recipe)
        for name in store.sweep([step.fingerprint for step in steps]):
            say(name.rpartition("-")[0], f"removed {name}: unfinished, and nothing to go on from")
        for step in steps:
            artifact = store.find(step.name, step.fingerprint)
            if artifact is None:
                artifact = _make(step, run, say)
            else:
                say(step.name, "made already")
            run.made[step.fingerprint] = artifact
    return list(run.made.values())


def _check_ready(steps: list[Step], recipe: Recipe) -> None:
    """Find what is missing before the first stage, not after a night of the others."""
    left = {step.name: step.stage for step in steps if step.state != "made"}
    needed = {name for stage in left.values() for name in (*stage.uses(), *stage.reads())}
    checks: dict[str, Callable[[], None]] = {
        f"stages.{name}": partial(stage.check_ready, recipe.models) for name, stage in left.items()
    }
    checks |= {
        f"models.{name}": spec.check_ready for name, spec in recipe.models.items() if name in needed
    }
    for place, check in checks.items():
        try:
            check()
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None


@dataclass(frozen=True)
class _Run:
    """What all stages of one run share."""

    recipe: Recipe
    store: Store
    spending: Spending
    made: dict[str, Artifact] = field(default_factory=dict)


def _make(step: Step, run: _Run, say: Say) -> Artifact:
    folder = run.store.begin(step.name, step.fingerprint)
    say(step.name, f"{step.state}: {step.stage.kind}")
    for warning in step.warnings:
        say(step.name, f"warning: {warning}")
    bench = _bench(step, run, partial(say, step.name), folder)
    started, clock = datetime.now(UTC), time.monotonic()
    memory.reset_peak()
    numbers = step.stage.make(bench)
    if step.warnings:
        numbers["warnings"] = list(step.warnings)
    seconds = time.monotonic() - clock
    peak = memory.peak_mb()
    memory.release()
    manifest = Manifest(
        stage=step.name,
        kind=step.stage.kind,
        makes=step.makes,
        fingerprint=step.fingerprint,
        science=step.science,
        inputs=step.inputs,
        numbers=numbers,
        files={},
        run={
            "recipe": run.recipe.name,
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
            "seconds": round(seconds, 3),
            "peak_memory_mb": round(peak, 1),
            "usage": dict(bench.usage),
            "measured": {name: round(value, 3) for name, value in bench.measured.items()},
            "versions": _versions(),
            "commit": _commit(),
            "machine": f"{platform.system()} {platform.machine()}",
        },
    )
    artifact = run.store.commit(folder, manifest)
    say(step.name, f"made in {seconds:.1f} s")
    return artifact


def _bench(step: Step, run: _Run, say: Callable[[str], None], folder: Path) -> Bench:
    usage: dict[str, float] = {}
    database = run.store.root / "completions.sqlite"
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)

    pace = Pace(usage)

    def open_named(name: str) -> AbstractAsyncContextManager[ChatModel]:
        return open_model(run.recipe.models[name], database, usage, run.spending)

    def open_checkpoint(path: Path, print_: str) -> AbstractAsyncContextManager[ChatModel]:
        return open_model(Transformers(checkpoint=str(path)), database, usage, run.spending)

    return Bench(
        stage=step.name,
        seed=run.recipe.seed,
        folder=folder,
        scratch=scratch,
        kept=run.store.root / "kept",
        inputs={name: run.made[print_] for name, print_ in step.inputs.items()},
        specs=run.recipe.models,
        open_model=open_named,
        open_checkpoint=open_checkpoint,
        say=say,
        find=partial(_find, run.made),
        usage=usage,
        progress=lambda done, total, note: say(pace.line(done, total, note)),
        evaluations=run.recipe.evaluations(),
    )


def _find(made: dict[str, Artifact], print_: str) -> Artifact:
    if print_ not in made:
        raise StoreError(f"the artifact {print_[:12]} is not part of this recipe's run")
    return made[print_]


def _versions() -> JsonValue:
    found: dict[str, JsonValue] = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _commit() -> str | None:
    """The commit of the code that runs, when it runs from a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
