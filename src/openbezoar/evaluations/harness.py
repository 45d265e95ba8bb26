"""The LM Evaluation Harness: lm-eval's own tasks, prompts and metrics on a checkpoint."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field, JsonValue, PositiveInt, model_validator

from openbezoar.component import Runtime
from openbezoar.evaluations import journal, lm_harness
from openbezoar.evaluations.expecting import task_of, total_of
from openbezoar.evaluations.lm_harness import Loaded, TaskRun
from openbezoar.evaluations.local_tasks import SAMPLE, Prepared, is_local, prepare
from openbezoar.evaluations.local_tasks import evidence as task_evidence
from openbezoar.evaluations.task_items import items_of
from openbezoar.families import Bench, Evaluation, Flow, Item, Reading, Subject
from openbezoar.records import Score
from openbezoar.statistics import TWO_SIDED_95

__all__ = ["SUITES", "Harness", "HarnessRuntime"]

SUITES: dict[str, dict[str, int | None]] = {
    "paper": dict.fromkeys(
        (
            "arc_challenge", "arc_easy", "boolq", "hellaswag", "openbookqa",
            "piqa", "rte", "truthfulqa_mc2", "wic", "winogrande",
        )
    ),
    "open_llm_leaderboard_v1": {
        "arc_challenge": 25, "hellaswag": 10, "mmlu": 5, "truthfulqa_mc2": 0, "winogrande": 5,
        "gsm8k": 5,
    },
}  # fmt: skip
"""Tasks and their shots. `paper` is our default: the paper says ten tasks and does not name them,
so these are ten of those its base model was published with, OpenLLaMA. The other is the Open LLM
Leaderboard as it stood when the paper appeared."""

Results = Mapping[str, Any]


class HarnessRuntime(Runtime):
    """Where and how fast; never what comes out, beyond rounding."""

    device: str = "auto"
    batch_rows: PositiveInt = 8


class Harness(Evaluation):
    """Runs tasks of lm-eval; their rows come from the data folder, else from the hub."""

    kind: Literal["harness"] = "harness"
    tasks: tuple[str, ...] = ()
    """Names of lm-eval's tasks and groups, or of a suite: paper, open_llm_leaderboard_v1."""
    data: Literal["auto", "sample"] = "auto"
    """auto: each task's own rows. sample: 60 multiple-choice rows of our own under the settings of
    arc_easy, in place of any tasks; shows that the plumbing works."""
    shots: int | None = Field(default=None, ge=0)
    """Solved examples before each question; without it the suite's or the task's own number."""
    limit: PositiveInt | None = None
    """Only the first rows of each task; the score says so."""
    chat_template: Literal["off", "on", "both"] = "off"
    """Whether questions go through the checkpoint's chat template; such scores end in `.chat`."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    runtime: HarnessRuntime = HarnessRuntime()

    @model_validator(mode="after")
    def _has_tasks(self) -> "Harness":
        if self.data == "auto" and not self.tasks:
            raise ValueError("name tasks, such as [arc_easy, piqa] or [paper], or set data: sample")
        if self.data == "sample" and self.tasks:
            raise ValueError("data: sample has a task of its own; leave tasks out")
        for name in self.tasks:
            if name not in SUITES and not is_local(name):
                lm_harness.check_known(name, beside=SUITES)
        return self

    def check_ready(self) -> None:
        """lm-eval must be installed."""
        lm_harness.check_installed()

    def evidence(self) -> JsonValue:
        """The local files the tasks are measured on."""
        return {run.task: task_evidence(run.task) for run in self._runs()}

    def benchmarks(self) -> dict[str, JsonValue]:
        """Its tasks, with the digests of their local files."""
        return {run.task: task_evidence(run.task) for run in self._runs()}

    def items(self) -> Iterator[Item]:
        """Every row its tasks can be measured on, whatever `limit` says."""
        with TemporaryDirectory() as scratch:
            for task in self.benchmarks():
                yield from items_of(task, Path(scratch))

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Every row of its tasks with every choice, as far as the rows are here."""
        return total_of({f"{run}": task_of(run.task, self.limit) for run in self._runs()})

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """One score for each metric of each task; one item a row, one transcript a task."""
        runs = self._runs()
        folder = bench.scratch / "lm_eval"
        with lm_harness.quiet(folder / "log.txt"):
            prepared = {run.task: prepare(run.task, folder / run.task) for run in runs}
            for task in [task for task, place in prepared.items() if place is None]:
                lm_harness.check_reachable(task)
            model = self._load(subject)
        scores = []
        for run in runs:
            bench.deadline.check()
            place = prepared[run.task]
            bench.say(f"{subject.name}: {run.task}{' with chat template' if run.chat else ''}")
            with lm_harness.quiet(folder / "log.txt"):
                manager = lm_harness.manager_of(place.folders if place else ())
                results = model.run(run, self.limit, manager)
            journal.append(bench.folder / journal.ITEMS, _items(run, results))
            journal.append(bench.folder / journal.TRANSCRIPTS, _transcripts(run, results))
            scores += self._scores(run, results, place)
        return scores

    def _runs(self) -> list[TaskRun]:
        wanted: dict[str, int | None] = {}
        for name in self.tasks or (SAMPLE,):
            wanted |= SUITES.get(name, {name: None})
        chats = {"off": (False,), "on": (True,), "both": (False, True)}[self.chat_template]
        return [
            TaskRun(task, self.shots if shots is None else shots, chat)
            for task, shots in wanted.items()
            for chat in chats
        ]

    def _load(self, subject: Subject) -> Loaded:
        from openbezoar.training.adapters import device_for, load_model
        from openbezoar.training.tokenizer import load_tokenizer

        tokenizer = load_tokenizer(subject.path)
        model = load_model(subject.path, device_for(self.runtime.device), self.precision)
        return Loaded(model, tokenizer, self.runtime.batch_rows)

    def _scores(self, run: TaskRun, results: Results, place: Prepared | None) -> list[Score]:
        members = {task for tasks in results["group_subtasks"].values() for task in tasks}
        groups = set(results["group_subtasks"])
        return [
            score
            for name in results["results"]
            if name in groups or name not in members
            for score in self._task_scores(name, run, results, place)
        ]

    def _task_scores(
        self, name: str, run: TaskRun, results: Results, place: Prepared | None
    ) -> Iterator[Score]:
        measured = results["results"][name]
        for key, value in measured.items():
            metric, _, filter_ = key.partition(",")
            if not filter_ or metric.endswith("_stderr"):
                continue
            error = _number(measured.get(f"{metric}_stderr,{filter_}"))
            found = _number(value)
            half = None if error is None else TWO_SIDED_95 * error
            yield Score(
                name=".".join(_name_parts(name, metric, filter_, run.chat)),
                value=found,
                n=measured["sample_len"],
                standard_error=error,
                low=None if found is None or half is None else found - half,
                high=None if found is None or half is None else found + half,
                higher_is_better=results["higher_is_better"].get(name, {}).get(metric) is not False,
                note="; ".join(
                    [*self._notes(name, run, results, place), *_doubts(name, filter_, results)]
                ),
                settings=self._settings(name, run, results, place),
            )

    def _settings(
        self, name: str, run: TaskRun, results: Results, place: Prepared | None
    ) -> dict[str, JsonValue]:
        version = results["versions"].get(name)
        return {
            "shots": results["n-shot"].get(name, run.shots or 0),
            "chat_template": run.chat,
            "rows": place.rows if place else "rows from the hub",
            "limit": self.limit,
            "precision": self.precision,
            "backend": "transformers",
            "lm_eval": lm_harness.version(),
            "task_version": None if version is None else str(version),
        }

    def _notes(
        self, name: str, run: TaskRun, results: Results, place: Prepared | None
    ) -> Iterator[str]:
        shots = results["n-shot"].get(name, run.shots or 0)
        yield f"{shots}-shot"
        yield place.rows if place else "rows from the hub"
        if shots and place and place.own_shots:
            yield "shots from the same rows, never the one asked"
        if self.limit:
            yield f"first {self.limit} rows of each task"
        yield f"{self.precision}, softmax_dtype=float32, lm-eval {lm_harness.version()}"
        yield f"task version {results['versions'].get(name)}"


def _name_parts(name: str, metric: str, filter_: str, chat: bool) -> Iterator[str]:
    yield from (name, metric)
    if filter_ != "none":
        yield filter_
    if chat:
        yield "chat"


def _number(value: Any) -> float | None:
    """A finite number, or none: lm-eval writes "N/A" where it has no error."""
    if isinstance(value, str) or value is None or not math.isfinite(value):
        return None
    return float(value)


def _doubts(name: str, filter_: str, results: Results) -> Iterator[str]:
    """How many generated answers could not be read: zeros that are not wrong answers."""
    rows = [row for row in results["samples"].get(name, []) if row["filter"] == filter_]
    if unread := sum(_is_unread(row) for row in rows):
        yield f"{unread} of {len(rows)} answers empty or without the form asked for"


def _is_unread(row: Mapping[str, Any]) -> bool:
    answers = row["filtered_resps"]
    texts = [answer for answer in answers if isinstance(answer, str)]
    return bool(texts) and all(text.strip() in {"", "[invalid]"} for text in texts)


def _items(run: TaskRun, results: Results) -> Iterator[dict[str, Any]]:
    for task, rows in results["samples"].items():
        for row in rows:
            yield {
                "evaluation": "harness",
                "task": task,
                "chat_template": run.chat,
                "filter": row["filter"],
                "id": f"{task}.{row['doc_id']}",
                "prompt_hash": row["prompt_hash"],
                "target": row["target"],
                "answers": row["filtered_resps"],
                "metrics": {metric: row[metric] for metric in row["metrics"]},
            }


def _transcripts(run: TaskRun, results: Results) -> Iterator[dict[str, Any]]:
    """The first row of each task as the model saw it: template and examples are plain to see."""
    for task, rows in results["samples"].items():
        yield {
            "evaluation": "harness",
            "task": task,
            "chat_template": run.chat,
            "id": f"{task}.{rows[0]['doc_id']}",
            "asked": rows[0]["arguments"],
            "answered": rows[0]["resps"],
        }
