"""A checkpoint at work on lm-eval's tasks, one after another, each kept when it is done."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pydantic import JsonValue

from openbezoar.errors import ConfigError
from openbezoar.evaluations import journal, lm_harness, measured
from openbezoar.evaluations.harness_results import Found
from openbezoar.evaluations.hub_tasks import from_hub, manager_of
from openbezoar.evaluations.lm_harness import Backend, HarnessRuntime, Loaded, Precision, TaskRun
from openbezoar.evaluations.local_tasks import Prepared, prepare
from openbezoar.evaluations.measured import Measured
from openbezoar.families import Bench, Subject

__all__ = ["Terms", "Work"]

MEANING = 2
"""Raised by hand when the same rows and settings come to mean other scores."""


@dataclass(frozen=True)
class Terms:
    """What holds for all the tasks."""

    limit: int | None
    precision: Precision
    backend: Backend
    runtime: HarnessRuntime


class Work:
    """One checkpoint; it is loaded when the first task turns out not to be measured yet."""

    def __init__(self, terms: Terms, subject: Subject, bench: Bench) -> None:
        self._terms = terms
        self._subject = subject
        self._bench = bench
        self._folder = bench.scratch / "lm_eval"
        self._log = self._folder / "log.txt"
        self._weights = measured.print_of(subject.path)
        self._places: Mapping[str, Prepared] = {}
        self._template: str | None = None
        self._loaded: Loaded | None = None

    def prepare(self, runs: Iterable[TaskRun]) -> None:
        """Find every task's rows, and the template where one is asked for, before any is run."""
        runs = list(runs)
        if any(run.chat for run in runs):
            self._template = _template(self._subject)
        with lm_harness.quiet(self._log):
            self._places = {
                run.task: prepare(run.task, self._folder / run.task)
                or from_hub(run.task, run.shots)
                for run in runs
            }

    def done(self, run: TaskRun) -> Measured:
        """What came of the task, now or when it was last measured."""
        key = self._key(run)
        told = f"{self._subject.name}: {run.task}{' with chat template' if run.chat else ''}"
        found = measured.find(self._bench.shared, key)
        if found is not None:
            self._bench.say(f"{told}: measured before")
            return found
        self._bench.say(told)
        found = self._measure(run, key)
        measured.keep(self._bench.shared, found)
        return found

    def _measure(self, run: TaskRun, key: JsonValue) -> Measured:
        terms, place = self._terms, self._places[run.task]
        with lm_harness.quiet(self._log):
            if self._loaded is None:
                self._loaded = lm_harness.load(
                    self._subject.path, terms.backend, terms.precision, terms.runtime
                )
            results = self._loaded.run(run, terms.limit, manager_of(place.folders))
        found = Found(run, place, results, self._settings(run))
        return Measured(
            key=key,
            scores=tuple(found.scores()),
            items=_plain(found.items()),
            transcripts=_plain(found.transcripts()),
        )

    def _settings(self, run: TaskRun) -> dict[str, JsonValue]:
        return {
            "template": self._template if run.chat else None,
            "limit": self._terms.limit,
            "precision": self._terms.precision,
            "backend": self._terms.backend,
        }

    def _key(self, run: TaskRun) -> dict[str, JsonValue]:
        """All that the scores depend on; the names of model and stage are no part of it."""
        used = ["lm_eval", "torch", "transformers"]
        used += ["vllm"] if self._terms.backend == "vllm" else []
        return {
            "meaning": MEANING,
            "model": self._weights,
            "task": run.task,
            "shots": run.shots,
            "chat": run.chat,
            "rows": dict(self._places[run.task].prints),
            **self._settings(run),
            "versions": {name: version(name) for name in used},
        }


def _template(subject: Subject) -> str:
    """The digest of the chat template; ConfigError without one."""
    from openbezoar.training.tokenizer import load_tokenizer

    template = load_tokenizer(subject.path).chat_template
    if not template:
        raise ConfigError(
            f"{subject.name}: has no chat template for harness to ask through; set "
            "chat_template: off"
        )
    # a tokenizer may carry several templates by name
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(records: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Records as they will be read from a file, so that kept ones and new ones are alike."""
    return tuple(json.loads(journal.line(record)) for record in records)
