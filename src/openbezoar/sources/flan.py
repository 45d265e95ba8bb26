"""The FLAN collection: tasks with known answers, in four sub-collections."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, JsonValue

from openbezoar import catalog, files, jsonl
from openbezoar.errors import DataError
from openbezoar.records import Seed
from openbezoar.sources.choice import Chosen, Found, rejected, row_id

__all__ = ["FlanSource", "SubCollection", "licences_of"]

SubCollection = Literal["cot", "niv2", "t0", "flan2021"]
Raw = dict[str, Any]

_COT_SETS = ("aqua", "creak", "ecqa", "esnli", "gsm8k", "qasc", "qed", "sensemaking", "strategyqa")
_COT_FIELDS = ("question", "answer", "rationale")
_SOURCES = {"cot": "cot", "niv2": "niv2", "t0": "t0", "p3": "t0", "flan2021": "flan2021"}
_OPTIONS = re.compile(r"^\s*options\s*:", re.IGNORECASE | re.MULTILINE)
_UNKNOWN_TERMS = "LicenseRef-source-terms"
"""The task's own data set has terms that we do not know."""
_TERMS = {
    "cot_gsm8k": "MIT",
    "cot_ecqa": "CDLA-Sharing-1.0",
    "bool_q*": "CC-BY-SA-3.0",
    "wic": "CC-BY-NC-4.0",
    "wic:*": "CC-BY-NC-4.0",
    "anli*": "CC-BY-NC-4.0",
    "samsum*": "CC-BY-NC-ND-4.0",
    "sciq*": "CC-BY-NC-3.0",
    "task002_*": "CC-BY-4.0",
    "task511_*": "MIT",
    "task591_*": "CC-BY-NC-3.0",
    "task639_*": "Apache-2.0",
    "task748_*": "CC-BY-NC-4.0",
    "task1290_*": "MIT",
    "task1572_*": "CC-BY-NC-ND-4.0",
    "task1590_*": "CC-BY-4.0",
    "task1729_*": "CC-BY-4.0",
}


class FlanSource(Chosen):
    """Rows of the FLAN collection: an input, and the target that is its right answer."""

    kind: Literal["flan"] = "flan"
    makes = "seeds"

    sub_collections: tuple[SubCollection, ...] = get_args(SubCollection)
    """The parts taken, read in this order."""
    tasks: tuple[str, ...] = ()
    """Only tasks of these names, where * stands for anything; all when there is none."""
    without: tuple[str, ...] = ()
    """No tasks of these names."""
    template_types: tuple[str, ...] = ()
    """Only these kinds of template, such as zs_opt and zs_noopt; all when there is none."""
    per_task: int | None = Field(None, ge=1)
    """At most so many rows of each task."""
    non_commercial: bool = False
    """Keep tasks whose own data set forbids commercial use; they are rejected otherwise."""
    folder: str = ""
    """A folder with the published sub-mixes as JSON Lines (fields inputs, targets, task_source,
    task_name, template_type), read in place of the catalog's files."""

    def evidence(self) -> JsonValue:
        """The sha256 of every file; of a local sub-mix, which may be huge, of its two ends."""
        if self.folder:
            return {path.name: files.edges(path) for path in self._mixes()}
        return {file: catalog.evidence("flan", file) for file in self._catalogued()}

    def read(self) -> Iterator[Found]:
        """Every row of the chosen tasks."""
        for place, raw in self._raw():
            found = _seed(raw)
            if isinstance(found, str):
                yield rejected(found, raw, place)
            elif self._wants(found):
                if self.non_commercial or not _forbids_commerce(found.licences):
                    yield found
                else:
                    yield rejected("non-commercial task", raw, place)

    def group(self, row: Any) -> str:
        """The task, within its sub-collection."""
        return f"{row.sub_collection}/{row.task}"

    def per_group(self) -> int | None:
        """The rows of each task."""
        return self.per_task

    def _wants(self, row: Seed) -> bool:
        return (
            row.sub_collection in self.sub_collections
            and (not self.tasks or _matches(row.task, self.tasks))
            and not _matches(row.task, self.without)
            and (not self.template_types or row.template_type in self.template_types)
        )

    def _raw(self) -> Iterator[tuple[str, Raw]]:
        for path in self._mixes() if self.folder else self._found():
            lines = _tab_separated(path) if path.suffix == ".tsv" else jsonl.read_objects(path)
            yield from ((f"{path.name}:{number}", raw) for number, raw in lines)

    def _mixes(self) -> list[Path]:
        folder = Path(self.folder).expanduser()
        mixes = sorted((*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")))
        if not mixes:
            raise DataError(f"{folder}: holds no *.jsonl; name a folder with FLAN's sub-mixes")
        return mixes

    def _catalogued(self) -> list[str]:
        missing = {state.file for state in catalog.verify("flan") if state.state == "missing"}
        published = [f"cot_data/{name}_train.tsv" for name in _COT_SETS]
        chosen = []
        for part in self.sub_collections:
            file = f"{part}.jsonl.gz"
            chosen += published if part == "cot" and file in missing else [file]
        return chosen

    def _found(self) -> Iterator[Path]:
        for file in self._catalogued():
            try:
                yield catalog.find("flan", file)
            except DataError as error:
                raise DataError(f"{error}; or name FLAN's sub-mixes with `folder`") from None


@cache
def licences_of(task: str) -> tuple[str, ...]:
    """The collection's licence, and the task's own as far as it is known."""
    name = task.rpartition("/")[2] if "anli" not in task else "anli"
    own = next((terms for known, terms in _TERMS.items() if fnmatch(name, known)), _UNKNOWN_TERMS)
    return ("Apache-2.0", own)


def _forbids_commerce(licences: tuple[str, ...]) -> bool:
    return any("-NC" in licence for licence in licences)


def _matches(task: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(task, pattern) for pattern in patterns)


def _tab_separated(path: Path) -> Iterator[tuple[int, Raw]]:
    """Chain of thought as published: question, answer and rationale between tabs, \\n spelt out."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            parts = [part.replace("\\n", "\n") for part in line.rstrip("\r\n").split("\t")]
            row = dict(zip(_COT_FIELDS, parts, strict=False))
            task = "cot_" + path.name.removesuffix("_train.tsv")
            yield number, {"sub_collection": "cot", "task": task, **row}


def _seed(raw: Raw) -> Seed | str:
    try:
        part = raw.get("sub_collection") or _SOURCES[_plain(str(raw["task_source"]))]
        inputs, target = _inputs_and_target(raw)
        task = raw.get("task") or raw["task_name"]
    except (KeyError, IndexError, TypeError):
        return "not a row of FLAN"
    if not all(isinstance(value, str) for value in (inputs, target, task)):
        return "inputs, targets or task is not a text"
    if not inputs.strip() or not target.strip():
        return "empty inputs or targets"
    return Seed(
        id=row_id("flan", {"part": part, "task": task, "inputs": inputs, "targets": target}),
        origin="flan",
        licences=licences_of(task),
        instruction=inputs.strip(),
        target=target.strip(),
        sub_collection=part,
        task=task,
        template_type=raw.get("template_type") or _template_type(inputs),
        details={name: raw[name] for name in raw if name not in _OURS},
    )


_OURS = {"sub_collection", "task", "inputs", "targets", "template_type", "question"}


def _inputs_and_target(raw: Raw) -> tuple[Any, Any]:
    if "question" in raw:
        return raw["question"], f"{raw['rationale']}\n{raw['answer']}"
    if "definition" in raw:
        return f"{raw['definition']}\n\n{raw['input']}", raw["output"][0]
    return raw["inputs"], raw["targets"]


def _template_type(inputs: str) -> str:
    return "zs_opt" if _OPTIONS.search(inputs) else "zs_noopt"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
