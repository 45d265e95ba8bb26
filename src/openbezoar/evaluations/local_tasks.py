"""lm-eval's tasks on rows from this machine: its own prompts and metrics, no hub.

For each task a small YAML file is written that includes lm-eval's own and names JSON Lines files
in place of the data set on the hub. Fields that the files lack or name otherwise are converted.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue

from openbezoar.evaluations.task_files import (
    CHOICES,
    MMLU,
    MMLU_GROUPS,
    SAMPLE,
    TASKS,
    evidence,
    local,
    read,
    subjects_of,
)
from openbezoar.evaluations.task_rows import Row, sample
from openbezoar.plurals import counted

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A task written out, ready for lm-eval."""

    rows: str
    """Where the rows come from, for the score's settings."""
    folders: tuple[Path, ...]
    """Folders of task files that lm-eval has to read."""
    prints: Mapping[str, JsonValue]
    """What tells these rows from any others."""
    own_shots: bool = False
    """Whether solved examples can only come from the rows that are measured."""


def prepare(name: str, scratch: Path) -> Prepared | None:
    """Write the task's files into `scratch`; None when this machine does not hold its rows."""
    if name == SAMPLE:
        return _prepare_sample(scratch)
    if name in MMLU_GROUPS or (
        name.startswith("mmlu_") and name in subjects_of(local(MMLU["test"]))
    ):
        return _prepare_mmlu(scratch)
    task = TASKS.get(name)
    if task is None:
        return None
    found = {
        split: (path, file.convert)
        for split, file in (("test", task.test), ("validation", task.validation))
        if file is not None and (path := local(file.name)) is not None
    }
    if not found:
        return None
    for split, (path, convert) in found.items():
        _write_rows(scratch, name, split, (convert(row) for row in read(path)))
    _write_task(scratch, name, task.config, tuple(found))
    split, (path, _) = next(iter(found.items()))
    rows = f"{split} rows of {path.name}"
    return Prepared(rows, (scratch,), evidence(name), own_shots=len(found) == 1)


def _prepare_sample(scratch: Path) -> Prepared:
    count = _write_rows(scratch, SAMPLE, "test", (sample(row) for row in read(CHOICES)))
    _write_task(scratch, SAMPLE, TASKS["arc_easy"].config, ("test",))
    note = f"{counted(count, 'row')} of our own, shows that the plumbing works"
    return Prepared(note, (scratch,), evidence(SAMPLE), own_shots=True)


def _prepare_mmlu(scratch: Path) -> Prepared | None:
    paths = {split: local(name) for split, name in MMLU.items()}
    if any(path is None for path in paths.values()):
        return None
    for split, path in paths.items():
        by_task: dict[str, list[Row]] = {}
        for row in read(path) if path else []:
            by_task.setdefault(f"mmlu_{row['subject']}", []).append(row)
        for task, rows in by_task.items():
            _write_rows(scratch, task, split, rows)
    for task in subjects_of(paths["test"]):
        _write_task(scratch, task, f"mmlu/default/{task}.yaml", ("test", "dev"))
    folders = (_tasks_folder() / "mmlu/default", scratch)
    return Prepared(f"test rows of {MMLU['test']}", folders, evidence("mmlu"))


def _write_rows(scratch: Path, task: str, split: str, rows: Iterable[Row]) -> int:
    path = _rows_path(scratch, task, split)
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _rows_path(scratch: Path, task: str, split: str) -> Path:
    return scratch / "rows" / f"{task}.{split}.jsonl"


def _write_task(scratch: Path, task: str, config: str, splits: tuple[str, ...]) -> None:
    """Lm-eval's own task file with our files in place of its data set.

    Examples in the prompt come from another split where there is one. Where there is not, lm-eval
    must know that they share the split with the question, so that it leaves the question out.
    """
    place: Mapping[str, Any] = {
        "include": str(_tasks_folder() / config),
        "task": task,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": {split: str(_rows_path(scratch, task, split)) for split in splits},
            "cache_dir": str(scratch / "datasets"),
        },
        "training_split": None,
        "validation_split": "validation" if "validation" in splits else None,
        "test_split": "test" if "test" in splits else None,
        "fewshot_split": _split_of_shots(splits),
    }
    text = yaml.safe_dump(dict(place), sort_keys=False)
    (scratch / f"{task}.yaml").write_text(text, encoding="utf-8")


def _split_of_shots(splits: tuple[str, ...]) -> str | None:
    if "dev" in splits:
        return "dev"
    return "test" if splits == ("test",) else None


def _tasks_folder() -> Path:
    import lm_eval.tasks

    return Path(lm_eval.tasks.__file__).parent
