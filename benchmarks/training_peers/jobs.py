"""One training as both sides are asked for it, and what they say of it."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import ROOT
from openbezoar.training.adapters import Precision

Settings = dict[str, Any]
LORA = {"r": 16, "alpha": 16, "dropout": 0.0, "targets": ("q_proj", "k_proj", "v_proj")}
SEED = 3
LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class Job:
    """One or more trainings, each over so many of the rows, in a process of its own."""

    objective: str
    folder: str
    """The checkpoint."""
    rows: str
    """The file of token ids."""
    device: str
    precision: Precision
    max_tokens: int
    batch_rows: int
    """Rows of an optimiser step."""
    learning_rate: float
    passes: tuple[int, ...]
    """How many rows each training takes, from the first on."""
    settings: Settings
    """What only one side knows: its batch sizes, its attention."""


def read(path: str) -> Job:
    """A job that `ask` wrote."""
    fields = json.loads(Path(path).read_text(encoding="utf-8"))
    return Job(**{**fields, "passes": tuple(fields["passes"])})


def ask(python: Path | str, script: str, job: Job) -> dict[str, Any]:
    """What a side says of a job, done in a process of its own; or why it could not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.json")
        path.write_text(json.dumps(asdict(job)), encoding="utf-8")
        call = [str(python), str(ROOT / "benchmarks" / "training_peers" / script), str(path)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=folder)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"failed": lines[-1][:300] if lines else f"exit status {done.returncode}"}
    found: dict[str, Any] = json.loads(told[-1])
    return found


def say(text: str) -> None:
    """Progress, which is no part of the result."""
    print(text, file=sys.stderr, flush=True)


def versions() -> Mapping[str, str]:
    """Of the libraries that a side used."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
