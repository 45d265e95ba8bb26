"""lm-eval's tasks on the rows of the hub."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from openbezoar.errors import ConfigError, DataError
from openbezoar.evaluations.local_tasks import Prepared
from openbezoar.evaluations.task_names import check_known, folder_of

__all__ = ["from_hub", "load", "manager_of", "refuse_code"]


def from_hub(task: str, shots: int | None) -> Prepared:
    """The task with its rows fetched; their digest tells them from what the hub may hold later."""
    folders, loaded = _loaded(task)
    refuse_code(loaded)
    return Prepared("rows from the hub", folders, {"hub": _digest(loaded, shots != 0)})


def load(task: str) -> Mapping[str, Any]:
    """lm-eval's tasks of this name, with their rows from the hub.

    ConfigError for an unknown task, DataError when its rows cannot be had.
    """
    return _loaded(task)[1]


def refuse_code(loaded: Mapping[str, Any]) -> None:
    """Raise ConfigError for a task that would run, on this machine, what the model writes."""
    unsafe = [name for name, task in loaded.items() if getattr(task, "UNSAFE_CODE", False)]
    if unsafe:
        raise ConfigError(
            f"harness: task {unsafe[0]} runs the code that a model writes, which is not done here; "
            "leave it out, or run it with the lm_eval command inside a sandbox"
        )


def manager_of(folders: Sequence[Path]) -> Any:
    """lm-eval's view of the folders' tasks; without folders, of all tasks it ships."""
    from lm_eval.tasks import TaskManager

    if not folders:
        return _all_tasks()
    return TaskManager(include_path=[str(folder) for folder in folders], include_defaults=False)


def _loaded(task: str) -> tuple[tuple[Path, ...], Mapping[str, Any]]:
    check_known(task)
    folder = folder_of(task)
    try:
        if folder is not None:
            try:
                return (folder,), manager_of((folder,)).load([task])["tasks"]
            except KeyError:  # a group with members in other folders
                pass
        return (), manager_of(()).load([task])["tasks"]
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise DataError(
            f"harness: the rows of {task} are neither in the folder OPENBEZOAR_DATA names nor on "
            f"the hub ({reason}); leave the task out, or run where the hub can be reached"
        ) from None
    except ImportError as error:
        raise ConfigError(f"harness: task {task} needs a package of its own: {error}") from None


def _digest(loaded: Mapping[str, Any], with_shots: bool) -> str:
    taken = hashlib.sha256()
    for name, task in sorted(loaded.items()):
        taken.update(name.encode())
        for rows in (task.eval_docs, task.fewshot_docs() if with_shots else ()):
            _take(taken, rows)
    return taken.hexdigest()[:16]


def _take(taken: Any, rows: Iterable[Mapping[str, Any]] | None) -> None:
    for row in rows or ():
        taken.update(json.dumps(row, sort_keys=True, default=str).encode() + b"\n")


@cache
def _all_tasks() -> Any:
    """Reading the thousands of task files takes half a minute."""
    from lm_eval.tasks import TaskManager

    return TaskManager()
