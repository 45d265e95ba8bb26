"""Calls lm-eval: runs its tasks on a loaded checkpoint, keeps its chatter in a file."""

import contextlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt

from openbezoar.component import Runtime
from openbezoar.devices import Device
from openbezoar.errors import MissingExtra
from openbezoar.evaluations.task_names import package

__all__ = [
    "Backend",
    "HarnessRuntime",
    "Loaded",
    "Precision",
    "TaskRun",
    "check_installed",
    "load",
    "quiet",
]

Backend = Literal["transformers", "vllm"]
Precision = Literal["float32", "bfloat16"]
BOOTSTRAPS = 1000
"""Resamples for the standard error of metrics that have no formula, such as F1."""
LONGEST = ("max_gen_toks", "max_new_tokens", "max_tokens")
"""By which names a task says how long an answer may be."""


class HarnessRuntime(Runtime):
    """Where and how fast; never what comes out, beyond rounding."""

    device: Device = "auto"
    """Where transformers computes: `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`, or `auto`: a CUDA GPU if
    there is one."""
    batch_rows: PositiveInt = 8
    """Rows that transformers computes at a time; vLLM decides for itself."""
    gpus: PositiveInt = 1
    """GPUs that hold the model together under vLLM."""
    gpu_memory: float = Field(default=0.9, gt=0, le=1)
    """The share of each GPU's memory that vLLM takes."""


@dataclass(frozen=True)
class TaskRun:
    """How a task is run."""

    task: str
    shots: int | None
    """None: the task's own number."""
    chat: bool
    """Whether questions are put through the checkpoint's chat template."""


class Loaded:
    """A checkpoint, as lm-eval wants it."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def run(self, task: TaskRun, limit: int | None, manager: Any) -> dict[str, Any]:
        """lm-eval's results for one task or group of tasks, with every row's answers.

        A row with an answer as long as it may be is marked `cut`.
        """
        from lm_eval import simple_evaluate

        results: dict[str, Any] = simple_evaluate(
            model=self._model, tasks=[task.task], num_fewshot=task.shots, limit=limit,
            apply_chat_template=task.chat, task_manager=manager, bootstrap_iters=BOOTSTRAPS,
        )  # fmt: skip
        for rows in results["samples"].values():
            for row in rows:
                row["cut"] = self._is_cut(row)
        return results

    def _is_cut(self, row: Mapping[str, Any]) -> bool:
        asked = row["arguments"][0]
        settings = asked[1] if len(asked) > 1 else None
        if not isinstance(settings, Mapping):  # a likelihood, not an answer
            return False
        most = next((settings[name] for name in LONGEST if name in settings), None)
        longest = self._model.max_gen_toks if most is None else most
        answers = [answer for several in row["resps"] for answer in several]
        encode = self._model.tokenizer.encode
        return any(len(encode(text, add_special_tokens=False)) >= longest for text in answers)


def load(folder: Path, backend: Backend, precision: Precision, runtime: HarnessRuntime) -> Loaded:
    """Load a checkpoint's weights and tokenizer."""
    from openbezoar.training.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(folder)
    if backend == "vllm":
        from lm_eval.models.vllm_causallms import VLLM

        model = VLLM(
            pretrained=str(folder), dtype=precision, batch_size="auto",
            tensor_parallel_size=runtime.gpus, gpu_memory_utilization=runtime.gpu_memory,
        )  # fmt: skip
        # Its own would be converted from SentencePiece, and may split words in another way.
        model.tokenizer = tokenizer
        return Loaded(model)
    from lm_eval.models.huggingface import HFLM

    from openbezoar.training.adapters import device_for, load_model

    weights = load_model(folder, device_for(runtime.device), precision)
    # In bfloat16 the sums would be rounded to eighths, and equal sums go to the first choice.
    return Loaded(
        HFLM(
            pretrained=weights, tokenizer=tokenizer, batch_size=runtime.batch_rows,
            softmax_dtype="float32",
        )
    )  # fmt: skip


def check_installed(backend: str) -> None:
    """Raise MissingExtra when lm-eval is not here, or what it is to compute with."""
    if package() is None:
        raise MissingExtra("harness needs lm-eval; pip install 'openbezoar[eval]'")
    if backend == "vllm" and importlib.util.find_spec("vllm") is None:
        raise MissingExtra(
            "harness: backend vllm needs vLLM beside lm-eval; pip install 'openbezoar[vllm]', or "
            "set backend: transformers"
        )


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Send what lm-eval and its libraries print, warn and log to a file."""
    from openbezoar.training.adapters import quiet as quiet_transformers

    log.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("lm_eval")
    level, propagates = logger.level, logger.propagate
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(log.open("a", encoding="utf-8"))
        handler = logging.StreamHandler(file)
        stack.enter_context(_children_write_to(file.fileno()))
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(file))
        stack.enter_context(quiet_transformers())
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(_in_one_process())
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagates


@contextlib.contextmanager
def _children_write_to(descriptor: int) -> Iterator[None]:
    """What is started inherits both descriptors: vLLM's engine, and git, whose commit is asked."""
    sys.stdout.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    for number in kept:
        os.dup2(descriptor, number)
    try:
        yield
    finally:
        for number, before in kept.items():
            os.dup2(before, number)
            os.close(before)


@contextlib.contextmanager
def _in_one_process() -> Iterator[None]:
    """lm-eval's own switch: bootstrapping would fork a process that holds a model."""
    before = os.environ.get("DISABLE_MULTIPROC")
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["DISABLE_MULTIPROC"]
        else:
            os.environ["DISABLE_MULTIPROC"] = before
