"""One stage of a run: its bench, its clock, its manifest."""

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from openbezoar import memory
from openbezoar.component import logistics
from openbezoar.errors import StoreError
from openbezoar.families import Bench, ChatModel
from openbezoar.models.policies import open_model
from openbezoar.models.spending import Spending
from openbezoar.models.transformers import Transformers
from openbezoar.plan import Step
from openbezoar.progress import Pace
from openbezoar.recipe import Recipe
from openbezoar.store import Artifact, Manifest, Store
from openbezoar.versions import commit, versions

__all__ = ["Run", "Say", "make"]

Say = Callable[[str, str], None]
"""Called with a stage and what happens to it."""


@dataclass(frozen=True)
class Run:
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


def make(step: Step, run: Run, say: Say) -> Artifact:
    """Make the artifact of a step that is not made yet; raises what the stage raises."""
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
    seconds = clock()
    peak = max(memory.peak_mb(), bench.measured.get("peak_memory_mb", 0))  # of attempts before, too
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
            "runtime": logistics(step.stage),
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
            "seconds": round(seconds, 3),
            "peak_memory_mb": round(peak, 1),
            "disk_mb": round(_size(folder), 3),
            "usage": dict(bench.usage),
            "measured": {name: round(value, 3) for name, value in bench.measured.items()},
            "versions": {**versions()},
            "commit": commit(),
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


def _bench(step: Step, run: Run, say: Callable[[str], None], folder: Path) -> Bench:
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
    made[print_].check_whole()
    return made[print_]
