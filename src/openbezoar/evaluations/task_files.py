"""Which files of the data folder hold the rows of which of lm-eval's tasks."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

import openbezoar
from openbezoar import catalog, files, jsonl
from openbezoar.evaluations.task_rows import (
    Convert,
    Row,
    anli,
    arc,
    openbookqa,
    same,
    sample,
    truthfulqa,
    wic,
    without_id,
)

__all__ = [
    "CHOICES", "MMLU", "MMLU_GROUPS", "SAMPLE", "SET", "TASKS", "File", "LocalTask", "evidence",
    "is_local", "local", "measured_rows", "read", "subjects_of",
]  # fmt: skip

SET = "lm_eval"
"""The data set of the catalog that holds the files."""
SAMPLE = "sample_choices"
"""The task made of the multiple-choice rows shipped with the package."""
CHOICES = Path(openbezoar.__file__).parent / "sources" / "rows" / "choices.jsonl"


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


def measured_rows(name: str) -> Iterator[Row] | None:
    """The rows a task is measured on, in order; None when this machine does not hold them.

    The solved examples before a question come from other rows, or are rows of the same ones.
    """
    if name == SAMPLE:
        return (sample(row) for row in read(CHOICES))
    if name in MMLU_GROUPS or name.startswith("mmlu_"):
        path = local(MMLU["test"])
        return None if path is None else read(path)
    task = TASKS.get(name)
    for file in (task.test, task.validation) if task else ():
        if file is not None and (path := local(file.name)) is not None:
            return map(file.convert, read(path))
    return None


def subjects_of(path: Path | None) -> dict[str, str]:
    """MMLU's tasks and subjects by the file's rows; none without a file."""
    if path is None:
        return {}
    return {f"mmlu_{row['subject']}": row["subject"] for row in read(path)}


def evidence(name: str) -> dict[str, JsonValue]:
    """The digest of every local file a task would be measured on; none when the hub is asked."""
    if name == SAMPLE:
        return {CHOICES.name: files.digest(CHOICES)}
    task = TASKS.get(name)
    wanted = [file.name for file in (task.test, task.validation) if file] if task else []
    if name in MMLU_GROUPS or name.startswith("mmlu_"):
        wanted = list(MMLU.values())
    return {file: catalog.evidence(SET, file) for file in wanted if local(file) is not None}


def local(name: str) -> Path | None:
    """The file, its sum checked, where a folder on this machine holds it."""
    if not any((folder / SET / name).is_file() for folder in catalog.search_folders()):
        return None
    return catalog.find(SET, name)


def read(path: Path) -> Iterator[Row]:
    """The rows of a file, of JSON or JSON Lines, gzipped or plain."""
    if path.name.endswith((".json", ".json.gz")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield from json.load(file)
    else:
        for _, row in jsonl.read_objects(path):
            yield row
