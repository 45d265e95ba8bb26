"""How sft.py and dpo.py measure: each side in processes of its own, first its best settings."""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.contenders import environment, options
from benchmarks.training_peers import shapes
from benchmarks.training_peers.jobs import Job, Settings, ask, say
from benchmarks.training_peers.shapes import SHAPES, Shape

TRL = "trl==1.16.0"
STILL = 1e-12
"""A learning rate that moves nothing: the loss of every pass over the same rows is the same."""
MOVING = 3e-4
TOLERANCE = 0.02
"""How far a setting's loss in bfloat16 may be from ours before it counts as another computation."""
INEXACT = "wrapped"
"""The packing that cuts rows and lets them see each other: timed, never chosen."""
FLOAT32 = {"autocast": False, "attention": "sdpa", "batch": 2}
"""What TRL is told where losses are compared: exact arithmetic, padded pairs of rows."""
Axes = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Side:
    """A contender: its interpreter, its script, and the settings it may choose from."""

    name: str
    python: str
    script: str
    axes: Axes


def arguments(doc: str | None, batch_rows: int) -> argparse.Namespace:
    """What the command line asks for."""
    parser = options(doc)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="smollm2-135m")
    parser.add_argument("--rows", type=int, help="rows timed; the shape's number without it")
    parser.add_argument("--batch-rows", type=int, default=batch_rows, help="rows a step")
    parser.add_argument("--trial-rows", type=int, default=16, help="rows that settings compete on")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--device", help="another device than the shape's")
    parser.add_argument("--work", type=Path, default=Path(".bezoar/benchmarks"))
    parser.add_argument("--prepare", action="store_true", help="only write rows and tokenizer")
    return parser.parse_args()


def prepared(given: argparse.Namespace, objective: str, least: int) -> tuple[Shape, Job]:
    """The shape, and the job that both sides are timed on; the files it names are there."""
    shape = SHAPES[given.shape]
    shape = replace(shape, device=given.device or shape.device)
    count = given.rows or shape.rows[objective]
    if count % given.batch_rows:
        sys.exit(f"--rows: {count} rows make no whole steps of {given.batch_rows}")
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    rows = shapes.rows(shape, objective, max(count, least), work)
    job = Job(
        objective=objective,
        folder="" if given.prepare else str(shapes.checkpoint(shape, work)),
        rows=str(rows),
        device=shape.device,
        precision=shape.precision,
        max_tokens=shape.max_tokens,
        batch_rows=given.batch_rows,
        learning_rate=STILL,
        passes=(given.batch_rows, *[count] * given.repetitions),
        settings={},
    )
    return shape, job


def ours(shape: Shape) -> Side:
    """Our side."""
    return Side("ours", sys.executable, "ours.py", {"micro_tokens": shape.micro_tokens})


def trl(given: argparse.Namespace, name: str, axes: Axes) -> Side:
    """TRL's side, in an environment that borrows this one's torch and transformers."""
    python = environment(given.venvs / "trl", TRL, borrow=True)
    return Side(name, str(python), "trl_side.py", axes)


def timed(side: Side, job: Job, trial_rows: int, loss: float | None = None) -> dict[str, Any]:
    """A side at its fastest settings: seconds a pass, their spread, memory, versions, trials."""
    settings, trials = fastest(side, job, trial_rows, loss)
    if settings is None:
        return {"failed": "no setting worked", "trials": trials}
    say(f"{side.name}: timing {settings}")
    found = ask(side.python, side.script, replace(job, settings=settings))
    if "failed" in found:
        return {**found, "settings": settings, "trials": trials}
    seconds = found["seconds"][1:]
    return {
        **{key: value for key, value in found.items() if key not in ("seconds", "losses")},
        "seconds": round(statistics.median(seconds), 3),
        "all_seconds": [round(one, 3) for one in seconds],
        "settings": settings,
        "trials": trials,
    }


def fastest(
    side: Side, job: Job, trial_rows: int, loss: float | None
) -> tuple[Settings | None, list[dict[str, Any]]]:
    """The fastest settings, looked for one after the other; and every trial.

    Where a loss is given, settings that do not reach it compute something else and are passed over.
    """
    rows = min(trial_rows, job.passes[-1])
    trial = replace(job, batch_rows=rows, passes=(min(4, rows), rows))
    trials: list[dict[str, Any]] = []

    def seconds(settings: Settings) -> float:
        known = next((one for one in trials if one["settings"] == settings), None)
        if known is None:
            known = _tried(side, replace(trial, settings=settings), loss)
            trials.append(known)
            say(f"{side.name}: {known}")
        return float("inf") if "failed" in known else float(known["seconds"])

    chosen = {name: values[0] for name, values in side.axes.items()}
    for name, values in side.axes.items():
        chosen[name] = min(values, key=lambda value: seconds({**chosen, name: value}))
    return (None if seconds(chosen) == float("inf") else chosen), trials


def largest_difference(side: Side, peer: Side, job: Job) -> dict[str, Any]:
    """How far apart the losses of two sides are at most, step by step, and all of them."""
    sides = {one.name: _in_float32(one, job) for one in (side, peer)}
    if failed := {name: found for name, found in sides.items() if "failed" in found}:
        return {"max_loss_difference": None, "parity": failed}
    first, second = (found["losses"][0] for found in sides.values())
    differences = [abs(one - other) for one, other in zip(first, second, strict=True)]
    return {
        "max_loss_difference": float(f"{max(differences):.3g}"),
        "parity": {
            "steps": len(first),
            "batch_rows": job.batch_rows,
            "losses": {name: found["losses"][0] for name, found in sides.items()},
        },
    }


def ratio(us: Mapping[str, Any], them: Mapping[str, Any]) -> float | None:
    """How many times as long the other side took; None where one of them failed."""
    if "failed" in us or "failed" in them:
        return None
    return round(float(them["seconds"]) / float(us["seconds"]), 2)


def _tried(side: Side, trial: Job, loss: float | None) -> dict[str, Any]:
    found = ask(side.python, side.script, trial)
    if "failed" in found:
        return {"settings": trial.settings, **found}
    seconds, reached = found["seconds"][-1], found["losses"][-1][0]
    known = {"settings": trial.settings, "seconds": round(seconds, 3), "loss": round(reached, 5)}
    if trial.settings.get("packing") == INEXACT:
        known["failed"] = "cuts rows and lets them see each other"
    elif loss is not None and abs(reached - loss) > TOLERANCE:
        known["failed"] = f"its loss is not {loss:.4f}"
    return known


def _in_float32(side: Side, job: Job) -> dict[str, Any]:
    """One training with a learning rate that counts, at the first settings of every axis."""
    plain: Settings = {name: values[0] for name, values in side.axes.items()}
    plain |= {key: value for key, value in FLOAT32.items() if key in plain}
    say(f"{side.name}: float32, {plain}")
    return ask(
        side.python,
        side.script,
        replace(job, precision="float32", learning_rate=MOVING, settings=plain),
    )
