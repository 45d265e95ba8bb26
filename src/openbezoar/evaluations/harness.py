"""The LM Evaluation Harness: lm-eval's own tasks, prompts and metrics on a checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import Field, JsonValue, PositiveInt, field_validator, model_validator

from openbezoar.evaluations import journal, lm_harness
from openbezoar.evaluations.expecting import task_of, total_of
from openbezoar.evaluations.harness_results import side_by_side
from openbezoar.evaluations.harness_work import Terms, Work
from openbezoar.evaluations.lm_harness import Backend, HarnessRuntime, Precision, TaskRun
from openbezoar.evaluations.suites import SUITES
from openbezoar.evaluations.task_files import SAMPLE, is_local
from openbezoar.evaluations.task_files import evidence as task_evidence
from openbezoar.evaluations.task_items import items_of
from openbezoar.evaluations.task_names import check_known
from openbezoar.families import Bench, Evaluation, Flow, Item, Reading, Subject
from openbezoar.records import Score

__all__ = ["Harness"]

LENT = "in the OpenBezoar template, as the checkpoint has none"


class Harness(Evaluation):
    """Runs tasks of lm-eval; their rows come from the data folder, else from the hub."""

    kind: Literal["harness"] = "harness"
    suite: Literal["paper", "leaderboard_v1"] | None = None
    """Named tasks with their shots. paper: ten without solved examples, of those that the base
    model OpenLLaMA 3B v2 was published with, as the paper does not name its ten. leaderboard_v1:
    the six of the Open LLM Leaderboard as it stood in April 2024, 0 to 25 shots."""
    tasks: tuple[str, ...] = ()
    """Names of lm-eval's tasks and groups, beside those of a suite."""
    data: Literal["auto", "sample"] = "auto"
    """auto: each task's own rows. sample: 60 multiple-choice rows of our own under the settings of
    arc_easy, in place of any tasks; shows that the plumbing works."""
    shots: int | None = Field(default=None, ge=0)
    """Solved examples before each question of `tasks`; without it the task's own number."""
    limit: PositiveInt | None = None
    """Only the first rows of each task; every table says so beside the score."""
    chat_template: Literal["off", "on", "both"] = "off"
    """Whether questions go through the checkpoint's chat template; such scores end in `.chat`, and
    stand beside those without where it is both."""
    precision: Precision = "bfloat16"
    """The numbers that the model computes with."""
    backend: Backend = "transformers"
    """What computes: transformers, or vLLM where it is installed. Their scores differ a little, and
    are compared only on request."""
    runtime: HarnessRuntime = HarnessRuntime()

    @field_validator("chat_template", mode="before")
    @classmethod
    def _spelt_as_in_yaml(cls, value: object) -> object:
        """YAML reads a bare on and off as true and false."""
        return ("off", "on")[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _has_tasks(self) -> "Harness":
        named = bool(self.suite or self.tasks)
        if self.data == "auto" and not named:
            raise ValueError(
                "name tasks, such as [arc_easy, piqa], or a suite, paper or leaderboard_v1, or set "
                "data: sample"
            )
        if self.data == "sample" and named:
            raise ValueError("data: sample has a task of its own; leave tasks and suite out")
        if self.shots is not None and self.suite and not self.tasks:
            raise ValueError("a suite has its own shots; leave shots out, or name tasks")
        for name in self.tasks:
            if name in SUITES:
                raise ValueError(f"{name} is a suite; say suite: {name}")
            if not is_local(name):
                check_known(name)
        return self

    def check_ready(self) -> None:
        """lm-eval must be installed, and what it is to compute with."""
        lm_harness.check_installed(self.backend)

    def needs_template(self) -> bool:
        """Where questions go through the checkpoint's own."""
        return self.chat_template != "off"

    def evidence(self) -> JsonValue:
        """The local files the tasks are measured on."""
        return self.benchmarks()

    def benchmarks(self) -> dict[str, JsonValue]:
        """Its tasks, with the digests of their local files."""
        return {run.task: task_evidence(run.task) for run in self.runs()}

    def items(self) -> Iterator[Item]:
        """Every row its tasks can be measured on, whatever `limit` says."""
        with TemporaryDirectory() as scratch:
            for task in self.benchmarks():
                yield from items_of(task, Path(scratch))

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Every row of its tasks with every choice, as far as the rows are here."""
        return total_of([task_of(run.task, self.limit) for run in self.runs()])

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """One score for each metric of each task; one item a row, one transcript a task.

        Each task is kept in the store when it is done: an interruption costs the task at work, and
        the same weights are never measured twice under the same settings.
        """
        runs = self.runs()
        if self.suite:
            suite = SUITES[self.suite]
            bench.say(f"suite {self.suite}: {suite.what}; from {suite.source}")
        terms = Terms(self.limit, self.precision, self.backend, self.runtime)
        work = Work(terms, subject, bench)
        work.prepare(runs)
        scores = []
        for run in runs:
            bench.deadline.check()
            done = work.done(run)
            journal.append(bench.folder / journal.ITEMS, done.items)
            journal.append(bench.folder / journal.TRANSCRIPTS, done.transcripts)
            lent = [LENT] if run.chat and subject.lent_template else []
            scores += [score.flagged(*lent) for score in done.scores]
        return side_by_side(scores)

    def runs(self) -> list[TaskRun]:
        """Every task with its shots, without and with the chat template as was asked for."""
        wanted: dict[str, int | None] = dict(SUITES[self.suite].tasks) if self.suite else {}
        wanted |= dict.fromkeys(self.tasks or (() if self.suite else (SAMPLE,)), self.shots)
        chats = {"off": (False,), "on": (True,), "both": (False, True)}[self.chat_template]
        return [TaskRun(task, shots, chat) for task, shots in wanted.items() for chat in chats]
