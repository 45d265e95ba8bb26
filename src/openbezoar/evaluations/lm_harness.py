"""Calls lm-eval: finds its tasks, runs them on a loaded checkpoint, keeps its chatter in a file."""

import contextlib
import difflib
import importlib.util
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError, DataError, MissingExtra

__all__ = [
    "Loaded",
    "TaskRun",
    "check_installed",
    "check_known",
    "check_reachable",
    "manager_of",
    "quiet",
    "version",
]

BOOTSTRAPS = 1000
"""Resamples for the standard error of metrics that have no formula, such as F1."""


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

    def __init__(self, model: Any, tokenizer: Any, batch_rows: int) -> None:
        from lm_eval.models.huggingface import HFLM

        # In bfloat16 the sums would be rounded to eighths, and equal sums go to the first choice.
        self._model = HFLM(
            pretrained=model, tokenizer=tokenizer, batch_size=batch_rows, softmax_dtype="float32"
        )

    def run(self, task: TaskRun, limit: int | None, manager: Any) -> dict[str, Any]:
        """lm-eval's results for one task or group of tasks, with every row's answers."""
        from lm_eval import simple_evaluate

        results: dict[str, Any] = simple_evaluate(
            model=self._model, tasks=[task.task], num_fewshot=task.shots, limit=limit,
            apply_chat_template=task.chat, task_manager=manager, bootstrap_iters=BOOTSTRAPS,
        )  # fmt: skip
        return results


def manager_of(folders: Sequence[Path]) -> Any:
    """lm-eval's view of the folders' tasks; without folders, of all tasks it ships."""
    from lm_eval.tasks import TaskManager

    if not folders:
        return _all_tasks()
    return TaskManager(include_path=[str(folder) for folder in folders], include_defaults=False)


def check_installed() -> None:
    """Raise MissingExtra when lm-eval is not here."""
    if _package() is None:
        raise MissingExtra("harness needs lm-eval; pip install 'openbezoar[eval]'")


def check_known(task: str, beside: Iterable[str] = ()) -> None:
    """Raise ConfigError for a task that lm-eval lacks; where it is not installed nobody knows.

    `beside` are further names that may have been meant.
    """
    folder = _package()
    # Most tasks have a file of their name; to read all of lm-eval's files takes seconds.
    if folder is not None and all(file.stem != task for file in folder.rglob("*.yaml")):
        _refuse_unknown(task, beside)


def check_reachable(task: str) -> None:
    """Load a task's rows from the hub; ConfigError for an unknown task, DataError without rows."""
    _refuse_unknown(task)
    try:
        _all_tasks().load([task])
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise DataError(
            f"harness: the rows of {task} are neither in the folder OPENBEZOAR_DATA names nor on "
            f"the hub ({reason}); leave the task out, or run where the hub can be reached"
        ) from None
    except ImportError as error:
        raise ConfigError(f"harness: task {task} needs a package of its own: {error}") from None


def version() -> str:
    """The version of lm-eval."""
    from importlib.metadata import version as version_of

    return version_of("lm_eval")


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
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(file))
        stack.enter_context(_children_write_to(file.fileno()))
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
    """lm-eval asks git for a commit, and git complains on the descriptor it inherits."""
    stderr = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


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


def _refuse_unknown(task: str, beside: Iterable[str] = ()) -> None:
    known = _all_tasks().all_tasks
    if task not in known:
        near = difflib.get_close_matches(task, {*known, *beside}, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "`lm_eval ls tasks` lists them"
        raise ConfigError(f"harness: lm-eval has no task {task!r}; {hint}")


def _package() -> Path | None:
    """The folder of lm-eval, found without loading it."""
    spec = importlib.util.find_spec("lm_eval")
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def _all_tasks() -> Any:
    """Reading the thousands of task files takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager()
