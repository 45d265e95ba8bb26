"""An evaluation: what measures a model."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.bench import Bench
from openbezoar.families.expected import Flow, Reading
from openbezoar.families.held import PREFERENCES, expect
from openbezoar.families.models import ModelSpec
from openbezoar.records import Score


@dataclass(frozen=True)
class Subject:
    """The model under evaluation."""

    name: str
    path: Path
    """A folder with weights, tokenizer and chat template, or a checkpoint's name."""
    fingerprint: str
    lent_template: bool = False
    """Whether its chat template is the project's, as the checkpoint has none."""


class Item(NamedTuple):
    """One question of a benchmark, as far as its words go."""

    benchmark: str
    """Such as the name of a task."""
    id: str
    """As the evaluation's own records name it."""
    texts: tuple[str, ...]
    """The passage, the premise, the question: each would give the item away on its own."""
    answer: str = ""
    """The right answer, where it is words and not a label."""
    choices: tuple[str, ...] = ()


class Evaluation(Component, ABC):
    """Measures a model."""

    kind: str

    @abstractmethod
    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """Measure the model; further records go to `items.jsonl` and `transcripts.jsonl`."""

    def reads(self) -> tuple[str, ...]:
        """The stages whose rows it measures on, by name."""
        return ()

    def check_reads(self, kinds: Mapping[str, str]) -> None:
        """Raise ConfigError when a name it reads holds what it cannot measure on."""
        for name in self.reads():
            expect(name, kinds, "examples", "examples data set", *PREFERENCES)

    def uses(self) -> tuple[str, ...]:
        """The models it needs beside the one measured, by name."""
        return ()

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what will be asked of it."""
        return

    def check_ready(self) -> None:
        """Raise MissingExtra when what it needs is not installed."""
        return

    def needs_template(self) -> bool:
        """Whether it takes no checkpoint without a chat template of its own."""
        return False

    def evidence(self) -> JsonValue:
        """What else determines the scores: the digests of its files, its prompts' fingerprints."""
        return None

    def benchmarks(self) -> dict[str, JsonValue]:
        """The benchmarks it puts to a model, each with what determines its items.

        None for an evaluation on the recipe's own held-out rows, which `mix` keeps apart from the
        rows to train on: looked for among the rows they come from, all of them would be found.
        """
        return {}

    def items(self) -> Iterator[Item]:
        """Every item of its benchmarks, so that they can be kept out of the rows to train on."""
        return iter(())

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """About what it puts before models, given the rows that each name it reads will hold."""
        return Reading(rows=None, tokens=None)
