"""lm-eval's tasks on rows from this machine: its own prompts and metrics, no hub.

For each task a small YAML file is written that includes lm-eval's own and names JSON Lines files
in place of the data set on the hub. Fields that the files lack or name otherwise are converted.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import JsonValue

import openbezoar
from openbezoar import catalog, files, jsonl
from openbezoar.errors import DataError

__all__ = [
    "MMLU_GROUPS",
    "SAMPLE",
    "SET",
    "TASKS",
    "Prepared",
    "evidence",
    "is_local",
    "measured_rows",
    "prepare",
    "subjects_of",
]

SET = "lm_eval"
"""The data set of the catalog that holds the files."""
SAMPLE = "sample_choices"
"""The task made of the multiple-choice rows shipped with the package."""
CHOICES = Path(openbezoar.__file__).parent / "sources" / "rows" / "choices.jsonl"

Row = dict[str, Any]
Convert = Callable[[Row], Row]


def same(row: Row) -> Row:
    """The file has the fields the task reads."""
    return row


def without_id(row: Row) -> Row:
    """All splits of a task must have the same fields."""
    return {field: value for field, value in row.items() if field != "id"}


def arc(row: Row) -> Row:
    """LLM Foundry's form of ARC, back into ARC's fields."""
    labels = "ABCDE"[: len(row["choices"])]
    return {
        "question": row["query"].removeprefix("Question: "),
        "choices": {"text": row["choices"], "label": list(labels)},
        "answerKey": labels[row["gold"]],
    }


def openbookqa(row: Row) -> Row:
    """LLM Foundry's form of OpenBookQA, back into its fields."""
    fields = arc(row)
    return {"question_stem": fields.pop("question"), **fields}


def sample(row: Row) -> Row:
    """Our own multiple-choice rows in ARC's fields."""
    return arc({"query": row["question"], "choices": row["choices"], "gold": row["answer"]})


def anli(row: Row) -> Row:
    """The annotation files' names and letters, into the data set's."""
    label = {"e": 0, "n": 1, "c": 2}[row["label"]]
    return {"premise": row["context"], "hypothesis": row["hypothesis"], "label": label}


def wic(row: Row) -> Row:
    """With the place of the word in the first sentence, which the file leaves out."""
    word = re.escape(row["word"])
    found = list(re.finditer(rf"\b{word}\b", row["sentence1"], re.IGNORECASE))
    found = found or list(re.finditer(rf"\b{word}\w*", row["sentence1"], re.IGNORECASE))
    if not found:
        raise DataError(f"wic: the word {row['word']!r} is not in its sentence")
    first = min(found, key=lambda match: (len(match[0]), match.start()))
    return {**row, "start1": first.start(), "end1": first.end()}


def truthfulqa(row: Row) -> Row:
    """Choices and labels in two lists in place of one table."""
    return {
        "question": row["question"],
        **{
            targets: {"choices": list(row[targets]), "labels": list(row[targets].values())}
            for targets in ("mc1_targets", "mc2_targets")
        },
    }


@dataclass(frozen=True)
class File:
    """A file of the data folder and how its rows become the task's."""

    name: str
    convert: Convert = same


@dataclass(frozen=True)
class LocalTask:
    """One of lm-eval's task files and the rows to put in place of its data set."""

    config: str
    """Below lm-eval's folder of tasks."""
    test: File | None = None
    validation: File | None = None


@dataclass(frozen=True)
class Prepared:
    """A task written out, ready for lm-eval."""

    rows: str
    """Where the rows come from, for the score's note."""
    folders: tuple[Path, ...]
    """Folders of task files that lm-eval has to read."""
    own_shots: bool = False
    """Whether solved examples can only come from the rows that are measured."""


def _validation(config: str, name: str, convert: Convert = same) -> LocalTask:
    return LocalTask(config, validation=File(f"{name}.validation.jsonl.gz", convert))


TASKS: dict[str, LocalTask] = {
    "anli_r1": LocalTask("anli/anli_r1.yaml", validation=File("anli_r1.dev.jsonl.gz", anli)),
    "anli_r2": LocalTask("anli/anli_r2.yaml", validation=File("anli_r2.dev.jsonl.gz", anli)),
    "anli_r3": LocalTask("anli/anli_r3.yaml", validation=File("anli_r3.dev.jsonl.gz", anli)),
    "arc_challenge": LocalTask(
        "arc/arc_challenge.yaml",
        test=File("llm-foundry/arc_challenge.test.jsonl.gz", arc),
        validation=File("arc_challenge.validation.jsonl.gz", without_id),
    ),
    "arc_easy": LocalTask(
        "arc/arc_easy.yaml",
        test=File("llm-foundry/arc_easy.test.jsonl.gz", arc),
        validation=File("arc_easy.validation.jsonl.gz", without_id),
    ),
    "boolq": _validation("super_glue/boolq/default.yaml", "boolq_superglue"),
    "cb": _validation("super_glue/cb/default.yaml", "cb"),
    "copa": _validation("super_glue/copa/default.yaml", "copa"),
    "gsm8k": LocalTask("gsm8k/gsm8k.yaml", test=File("gsm8k.test.jsonl.gz")),
    "hellaswag": _validation("hellaswag/hellaswag.yaml", "hellaswag"),
    "mrpc": _validation("glue/mrpc/default.yaml", "mrpc"),
    "nq_open": _validation("nq_open/nq_open.yaml", "nq_open"),
    "openbookqa": LocalTask(
        "openbookqa/openbookqa.yaml",
        test=File("llm-foundry/openbookqa.test.jsonl.gz", openbookqa),
        validation=File("openbookqa.validation.jsonl.gz", without_id),
    ),
    "piqa": _validation("piqa/piqa.yaml", "piqa"),
    "rte": _validation("glue/rte/default.yaml", "rte"),
    "sst2": _validation("glue/sst2/default.yaml", "sst2"),
    "truthfulqa_mc1": LocalTask(
        "truthfulqa/truthfulqa_mc1.yaml", validation=File("truthfulqa/mc_task.json.gz", truthfulqa)
    ),
    "truthfulqa_mc2": LocalTask(
        "truthfulqa/truthfulqa_mc2.yaml", validation=File("truthfulqa/mc_task.json.gz", truthfulqa)
    ),
    "wic": _validation("super_glue/wic/default.yaml", "wic", wic),
    "winogrande": _validation("winogrande/default.yaml", "winogrande"),
}
"""The tasks whose rows the data folder may hold, by lm-eval's name."""

MMLU = {"test": "mmlu.test.jsonl.gz", "dev": "mmlu.dev.jsonl.gz"}
MMLU_GROUPS = ("mmlu", "mmlu_stem", "mmlu_humanities", "mmlu_social_sciences", "mmlu_other")


def is_local(name: str) -> bool:
    """Whether the task is one whose rows the data folder may hold; MMLU's subjects are not told."""
    return name == SAMPLE or name in TASKS or name in MMLU_GROUPS


def prepare(name: str, scratch: Path) -> Prepared | None:
    """Write the task's files into `scratch`; None when this machine does not hold its rows."""
    if name == SAMPLE:
        return _prepare_sample(scratch)
    if name in MMLU_GROUPS or name in subjects_of(_local(MMLU["test"])):
        return _prepare_mmlu(scratch)
    task = TASKS.get(name)
    if task is None:
        return None
    found = {
        split: (path, file.convert)
        for split, file in (("test", task.test), ("validation", task.validation))
        if file is not None and (path := _local(file.name)) is not None
    }
    if not found:
        return None
    for split, (path, convert) in found.items():
        _write_rows(scratch, name, split, (convert(row) for row in _read(path)))
    _write_task(scratch, name, task.config, tuple(found))
    split, (path, _) = next(iter(found.items()))
    return Prepared(f"{split} rows of {path.name}", (scratch,), own_shots=len(found) == 1)


def measured_rows(name: str) -> Iterator[Row] | None:
    """The rows a task is measured on, in order; None when this machine does not hold them.

    The solved examples before a question come from other rows, or are rows of the same ones.
    """
    if name == SAMPLE:
        return (sample(row) for row in _read(CHOICES))
    if name in MMLU_GROUPS or name.startswith("mmlu_"):
        path = _local(MMLU["test"])
        return None if path is None else _read(path)
    task = TASKS.get(name)
    for file in (task.test, task.validation) if task else ():
        if file is not None and (path := _local(file.name)) is not None:
            return map(file.convert, _read(path))
    return None


def subjects_of(path: Path | None) -> dict[str, str]:
    """MMLU's tasks and subjects by the file's rows; none without a file."""
    if path is None:
        return {}
    return {f"mmlu_{row['subject']}": row["subject"] for row in _read(path)}


def _prepare_sample(scratch: Path) -> Prepared:
    count = _write_rows(scratch, SAMPLE, "test", (sample(row) for row in _read(CHOICES)))
    _write_task(scratch, SAMPLE, TASKS["arc_easy"].config, ("test",))
    note = f"{count} rows of our own, shows that the plumbing works"
    return Prepared(note, (scratch,), own_shots=True)


def evidence(name: str) -> dict[str, JsonValue]:
    """The digest of every local file a task would be measured on; none when the hub is asked."""
    if name == SAMPLE:
        return {CHOICES.name: files.digest(CHOICES)}
    task = TASKS.get(name)
    wanted = [file.name for file in (task.test, task.validation) if file] if task else []
    if name in MMLU_GROUPS or name.startswith("mmlu_"):
        wanted = list(MMLU.values())
    return {file: catalog.evidence(SET, file) for file in wanted if _local(file) is not None}


def _prepare_mmlu(scratch: Path) -> Prepared | None:
    paths = {split: _local(name) for split, name in MMLU.items()}
    if any(path is None for path in paths.values()):
        return None
    for split, path in paths.items():
        by_task: dict[str, list[Row]] = {}
        for row in _read(path) if path else []:
            by_task.setdefault(f"mmlu_{row['subject']}", []).append(row)
        for task, rows in by_task.items():
            _write_rows(scratch, task, split, rows)
    for task in subjects_of(paths["test"]):
        _write_task(scratch, task, f"mmlu/default/{task}.yaml", ("test", "dev"))
    return Prepared("test rows of mmlu.test.jsonl.gz", (_tasks_folder() / "mmlu/default", scratch))


def _local(name: str) -> Path | None:
    """The file, its sum checked, where a folder on this machine holds it."""
    if not any((folder / SET / name).is_file() for folder in catalog.search_folders()):
        return None
    return catalog.find(SET, name)


def _read(path: Path) -> Iterator[Row]:
    if path.name.endswith((".json", ".json.gz")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield from json.load(file)
    else:
        for _, row in jsonl.read_objects(path):
            yield row


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
