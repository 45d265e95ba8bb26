"""The one place where the benchmarks touch our training: rows, the model, a course, its order."""

import json
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.training_peers.jobs import LORA, SEED, Job
from openbezoar import memory
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import Lora, adapter_tensors, attach_adapter, load_model
from openbezoar.training.format import Encoded
from openbezoar.training.loop import Course, train
from openbezoar.training.packing import Row, pack
from openbezoar.training.settings import Optimisation, TrainingRuntime

OBJECTIVES = {"sft": SupervisedFineTuning, "dpo": DirectPreferenceOptimization}


class Passed(NamedTuple):
    """One training: its wall time and the loss of every optimiser step."""

    seconds: float
    losses: list[float]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Rows as token ids and masks, which both sides read."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            parts = [{"ids": part.ids, "supervised": part.supervised} for part in row]
            file.write(json.dumps(parts) + "\n")


def read_rows(path: Path | str) -> list[Row]:
    """What `write_rows` wrote."""
    with Path(path).open(encoding="utf-8") as file:
        return [tuple(Encoded(**part) for part in json.loads(line)) for line in file]


def prompt_length(sequence: Encoded) -> int:
    """How many tokens come before the answer."""
    return sequence.supervised.index(True)


def tokens_computed(rows: Sequence[Row]) -> int:
    """Tokens of a forward pass over the rows, as our engine lays them out."""
    return int(pack(rows).ids.numel())


def load(job: Job) -> Any:
    """The job's model with a new adapter."""
    model = load_model(Path(job.folder), job.device, job.precision)
    return attach_adapter(model, Lora(**LORA))


def settle(model: Any) -> None:
    """Give the adapter the same first weights on both sides, whatever drew them before."""
    import torch

    stream = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, tensor in adapter_tensors(model).items():
            if "lora_A" not in name:
                tensor.zero_()
                continue
            bound = 1 / math.sqrt(tensor.shape[1])
            tensor.copy_((torch.rand(tensor.shape, generator=stream) * 2 - 1) * bound)


def in_order(rows: Sequence[Row], job: Job) -> list[Row]:
    """The rows as our steps take them."""
    course = _course(rows, job, Path())
    return [row for step in range(course.steps) for row in course.batch(step)]


def train_once(model: Any, rows: Sequence[Row], job: Job) -> Passed:
    """One training by our loop, from the first step to the last."""
    with tempfile.TemporaryDirectory() as folder:
        course = _course(rows, job, Path(folder))
        began = time.perf_counter()
        progress = train(model, course)
        synchronise(job.device)
        seconds = time.perf_counter() - began
    return Passed(seconds, [line["loss"] for line in progress.metrics if line["step"]])


def synchronise(device: str) -> None:
    """Wait for what a GPU still does."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Count a GPU's memory anew, as our loop does: what loading a model took is not training."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


def peak_mb(device: str) -> float:
    """The most memory: on a GPU of the last training, on a CPU of this process's whole life."""
    import torch

    if device.startswith("cuda"):
        return float(torch.cuda.max_memory_allocated()) / 2**20
    return memory.peak_mb()


def machine(device: str) -> str:
    """The GPU's name, or how many threads of the processor are used."""
    import torch

    if device.startswith("cuda"):
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} threads"


def _course(rows: Sequence[Row], job: Job, scratch: Path) -> Course:
    return Course(
        objective=OBJECTIVES[job.objective](),
        settings=Optimisation(
            learning_rate=job.learning_rate,
            batch_rows=job.batch_rows,
            max_tokens=job.max_tokens,
        ),
        runtime=TrainingRuntime(
            device=job.device,
            micro_tokens=job.settings.get("micro_tokens", job.max_tokens),
            checkpoint_every=10**9,
        ),
        seed=SEED,
        train=rows,
        valid=[],
        scratch=scratch,
        say=lambda told: None,
    )
