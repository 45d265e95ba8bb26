"""What lm-eval found of a task, as scores, items and a transcript, and what makes it doubtful."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from openbezoar.evaluations.lm_harness import TaskRun
from openbezoar.evaluations.local_tasks import Prepared
from openbezoar.evaluations.pooled import on_scale
from openbezoar.evaluations.task_names import version
from openbezoar.plurals import counted
from openbezoar.records import Score
from openbezoar.statistics import TWO_SIDED_95, Estimate

__all__ = ["CHAT", "Found", "side_by_side"]

CHAT = ".chat"
"""How the name of a score ends that was measured through the chat template."""
CHOSEN = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info")
"""The metrics that count right choices."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """lm-eval's results for one run of a task, or of a group of tasks."""

    run: TaskRun
    place: Prepared
    results: Mapping[str, Any]
    settings: Mapping[str, JsonValue]
    """What of the evaluation's settings belongs to every score."""

    def scores(self) -> list[Score]:
        """One for each metric of the task; of a group's tasks only the group's own."""
        groups = self.results["group_subtasks"]
        members = {task for tasks in groups.values() for task in tasks}
        return [
            score
            for name in self.results["results"]
            if name in groups or name not in members
            for score in self._scores_of(name)
        ]

    def items(self) -> Iterator[dict[str, Any]]:
        """Every row with its answers and what they count."""
        for task, rows in self.results["samples"].items():
            for row in rows:
                yield {
                    "evaluation": "harness",
                    "task": task,
                    "chat_template": self.run.chat,
                    "filter": row["filter"],
                    "id": f"{task}.{row['doc_id']}",
                    "prompt_hash": row["prompt_hash"],
                    "target": row["target"],
                    "answers": row["filtered_resps"],
                    "metrics": {metric: row[metric] for metric in row["metrics"]},
                }

    def transcripts(self) -> Iterator[dict[str, Any]]:
        """The first row of each task as the model saw it: template and examples are plain."""
        for task, rows in self.results["samples"].items():
            yield {
                "evaluation": "harness",
                "task": task,
                "chat_template": self.run.chat,
                "id": f"{task}.{rows[0]['doc_id']}",
                "asked": rows[0]["arguments"],
                "answered": rows[0]["resps"],
            }

    def _scores_of(self, name: str) -> Iterator[Score]:
        measured = self.results["results"][name]
        for key, value in measured.items():
            metric, _, filter_ = key.partition(",")
            if not filter_ or metric.endswith("_stderr"):
                continue
            error = _number(measured.get(f"{metric}_stderr,{filter_}"))
            rows = [row for task in self._tasks(name) for row in self._rows(task, filter_)]
            found = _with_interval(_number(value), error, measured["sample_len"], rows, metric)
            better = self.results["higher_is_better"].get(name, {}).get(metric) is not False
            filtered = "" if filter_ == "none" else f".{filter_}"
            yield Score(
                name=f"{name}.{metric}{filtered}{CHAT if self.run.chat else ''}",
                value=found.value,
                n=found.n,
                standard_error=error,
                low=found.low,
                high=found.high,
                higher_is_better=better,
                flags=tuple(self._flags(name, metric, filter_, found.value if better else None)),
                note="; ".join(self._notes(name)),
                settings=self._settings(name),
            )

    def _flags(self, name: str, metric: str, filter_: str, value: float | None) -> Iterator[str]:
        tasks = self._tasks(name)
        sizes = [self.results["n-samples"][task] for task in tasks]
        if any(size["effective"] < size["original"] for size in sizes):
            limit = self.settings["limit"]
            first = "row" if limit == 1 else f"{limit} rows"
            yield f"first {first}{'' if len(tasks) == 1 else ' of each part'}"
        rows = [row for task in tasks for row in self._rows(task, filter_)]
        chance = self._chance(tasks[0], metric, rows)
        if value is not None and chance is not None and value < chance:
            yield f"below chance ({chance:.3f})"
        elif value == 0:
            yield "zero"
        if unread := sum(map(_is_unread, rows)):
            yield f"{unread} of {counted(len(rows), 'answer')} empty or without the form asked for"
        if cut := sum(row["cut"] for row in rows):
            yield f"{cut} of {counted(len(rows), 'answer')} cut off at the longest length"

    def _tasks(self, name: str) -> list[str]:
        """The task itself, or those that a group is made of, however deep."""
        members = self.results["group_subtasks"].get(name)
        if not members:
            return [name]
        return [task for member in members for task in self._tasks(member)]

    def _rows(self, task: str, filter_: str) -> list[Row]:
        return [row for row in self.results["samples"].get(task, []) if row["filter"] == filter_]

    def _chance(self, task: str, metric: str, rows: list[Row]) -> float | None:
        """What guessing would score on these rows, where that is known."""
        if metric == "mcc":
            return 0.0
        config = self.results["configs"][task]
        if metric not in CHOSEN or config["output_type"] != "multiple_choice" or not rows:
            return None
        guessed = _guessed_mass if task == "truthfulqa_mc2" else _guessed
        return sum(map(guessed, rows)) / len(rows)

    def _shots(self, name: str) -> int:
        shots: int = self.results["n-shot"].get(name, self.run.shots or 0)
        return shots

    def _settings(self, name: str) -> dict[str, JsonValue]:
        of_task = self.results["versions"].get(name)
        return {
            "shots": self._shots(name),
            "chat_template": self.run.chat,
            "rows": self.place.rows,
            **self.settings,
            "lm_eval": version(),
            "task_version": None if of_task is None else str(of_task),
        }

    def _notes(self, name: str) -> Iterator[str]:
        shots = self._shots(name)
        yield f"{shots}-shot"
        yield self.place.rows
        if shots and self.place.own_shots:
            yield "shots from the same rows, never the one asked"
        backend, precision = self.settings["backend"], self.settings["precision"]
        exact = ", softmax_dtype=float32" if backend == "transformers" else ""
        yield f"{backend}, {precision}{exact}, lm-eval {version()}"
        yield f"task version {self.results['versions'].get(name)}"


def side_by_side(scores: Iterable[Score]) -> list[Score]:
    """The scores in order, each followed by its twin through the chat template."""
    twins: dict[str, list[Score]] = {}
    for score in scores:
        twins.setdefault(score.name.removesuffix(CHAT), []).append(score)
    return [score for both in twins.values() for score in both]


def _number(value: Any) -> float | None:
    """A finite number, or none: lm-eval writes "N/A" where it has no error."""
    if isinstance(value, str) or value is None or not math.isfinite(value):
        return None
    return float(value)


def _with_interval(
    value: float | None, error: float | None, n: int, rows: list[Row], metric: str
) -> Estimate:
    """lm-eval's value and error, with an interval that does not leave 0 to 1 where no row does."""
    if value is None or error is None:
        return Estimate(value, n, error, None, None)
    half = TWO_SIDED_95 * error
    found = Estimate(value, n, error, value - half, value + half)
    counts = [row.get(metric) for row in rows]
    bounded = all(isinstance(one, int | float) and 0 <= one <= 1 for one in counts)
    return on_scale(found, 0, 1) if counts and bounded and n > 1 else found


def _guessed(row: Row) -> float:
    """How often a choice by chance is right."""
    doubled = 2 if "acc_mutual_info" in row["metrics"] else 1
    return doubled / len(row["filtered_resps"])


def _guessed_mass(row: Row) -> float:
    """The share of right choices: what they hold together when all are equally likely."""
    labels = row["doc"]["mc2_targets"]["labels"]
    return float(sum(labels) / len(labels))


def _is_unread(row: Row) -> bool:
    answers = row["filtered_resps"]
    texts = [answer for answer in answers if isinstance(answer, str)]
    return bool(texts) and all(text.strip() in {"", "[invalid]"} for text in texts)
