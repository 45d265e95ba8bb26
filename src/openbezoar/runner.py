"""Walks a recipe: skips what is made, makes what is not, commits each artifact when finished."""

import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from openbezoar import memory
from openbezoar.errors import (
    ConfigError,
    DataError,
    ModelError,
    OpenBezoarError,
    StoreError,
)
from openbezoar.estimates.forecast import forecast
from openbezoar.estimates.keeping import keep
from openbezoar.estimates.probes import PROBED, probe_store, seen_in_probes
from openbezoar.families import Bench, ChatModel
from openbezoar.models.policies import open_model
from openbezoar.models.spending import Spending
from openbezoar.models.transformers import Transformers
from openbezoar.plan import Step, plan
from openbezoar.progress import Pace
from openbezoar.recipe import Recipe, text_of
from openbezoar.store import Artifact, Manifest, Store

__all__ = ["probe", "run", "versions"]

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
    What each stage is expected to take is kept first, to be compared with what it took.
    """
    with store.locked():
        steps = plan(recipe, store)
        _check_ready(steps, recipe)
        spending = Spending(recipe.budget, recipe.prices)
        run = _Run(recipe, store, spending, store.root, store.keep_recipe(text_of(recipe)))
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


def versions() -> dict[str, str | None]:
    """The versions of Python and of the libraries that results may depend on; None if absent."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def probe(recipe: Recipe, store: Store, most: int, say: Say) -> dict[str, str]:
    """Make at most so many rows of each stage of rows, beside the store; why some made none.

    A run finds the answers in the store's cache and does not ask for them again.
    """
    aside = probe_store(store, most)
    spending = Spending(recipe.budget, recipe.prices)
    kept = aside.keep_recipe(text_of(recipe))
    run = _Run(recipe, aside, spending, store.root, kept, most)
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
                run.made[step.fingerprint] = found or _make(step, run, say)
            except (DataError, ModelError) as error:
                failed[step.name] = str(error)
                silent.update(step.stage.uses() if isinstance(error, ModelError) else ())
    return failed


def _keep_estimates(run: "_Run", steps: list[Step], say: Say) -> None:
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
    answers: Path
    """The folder where models' answers are kept."""
    recipe_sha256: str
    most: int | None = None
    """In a probe: the most rows of a stage."""
    made: dict[str, Artifact] = field(default_factory=dict)


def _attempt(step: Step, run: _Run, say: Say) -> Artifact:
    """Make it, or leave word of what stopped it for the report."""
    try:
        return _make(step, run, say)
    except OpenBezoarError as error:
        run.store.note_stop(step.name, step.fingerprint, str(error))
        raise


def _make(step: Step, run: _Run, say: Say) -> Artifact:
    folder = run.store.begin(step.name, step.fingerprint)
    say(step.name, f"{step.state}: {step.stage.kind}")
    for warning in step.warnings:
        say(step.name, f"warning: {warning}")
    bench = _bench(step, run, partial(say, step.name), folder)
    started = datetime.now(UTC)
    memory.reset_peak()
    with _timed(bench.scratch) as clock:
        numbers = step.stage.make(bench)
    if step.warnings:
        numbers["warnings"] = list(step.warnings)
    seconds, peak = clock(), memory.peak_mb()
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
            "recipe_sha256": run.recipe_sha256,
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
            "seconds": round(seconds, 3),
            "peak_memory_mb": round(peak, 1),
            "disk_mb": round(_size(folder), 3),
            "usage": dict(bench.usage),
            "measured": {name: round(value, 3) for name, value in bench.measured.items()},
            "versions": {**versions()},
            "commit": _commit(),
            "machine": f"{platform.system()} {platform.machine()}",
        },
    )
    artifact = run.store.commit(folder, manifest)
    say(step.name, f"made in {seconds:.1f} s")
    return artifact


@contextmanager
def _timed(scratch: Path) -> Iterator[Callable[[], float]]:
    """Give the seconds until now, with those of attempts that ended early but could say so."""
    path, clock = scratch / "seconds.txt", time.monotonic()
    try:
        earlier = float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # nothing before, or killed while it was written
        earlier = 0.0

    def seconds() -> float:
        return earlier + time.monotonic() - clock

    try:
        yield seconds
    finally:
        if scratch.is_dir():
            path.write_text(f"{seconds()}", encoding="ascii")


def _size(folder: Path) -> float:
    """The MiB of an artifact's files, what is removed at its end aside."""
    kept = (path for path in folder.rglob("*") if "scratch" not in path.relative_to(folder).parts)
    return sum(path.stat().st_size for path in kept if path.is_file()) / (1 << 20)


def _bench(step: Step, run: _Run, say: Callable[[str], None], folder: Path) -> Bench:
    usage: dict[str, float] = {}
    database = run.answers / "completions.sqlite"
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
        deadline=run.spending.deadline,
        most=run.most,
    )


def _find(made: dict[str, Artifact], print_: str) -> Artifact:
    if print_ not in made:
        raise StoreError(f"the artifact {print_[:12]} is not part of this recipe's run")
    return made[print_]


def _commit() -> str | None:
    """The commit of the code that runs, when it runs from a checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
