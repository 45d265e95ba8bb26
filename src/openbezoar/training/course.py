"""What is trained on what: the rows of every step, divided between processes, and who they are."""

import hashlib
import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from openbezoar.component import digest
from openbezoar.deadline import NEVER, Deadline
from openbezoar.families import Objective, random_for
from openbezoar.training.packing import Row, group
from openbezoar.training.reference import Reference
from openbezoar.training.settings import Optimisation, TrainingRuntime

__all__ = ["Course", "Place", "micro_batches", "named", "weight"]

SHOWN = 8
"""How many rows a message names."""


@dataclass(frozen=True)
class Place:
    """Which process this is, of how many that train together."""

    rank: int = 0
    processes: int = 1


@dataclass(frozen=True)
class Course:
    """What is trained on what, and how."""

    objective: Objective
    settings: Optimisation
    runtime: TrainingRuntime
    seed: int
    train: Sequence[Row]
    valid: Sequence[Row]
    scratch: Path
    say: Callable[[str], None]
    identity: str = ""
    """What else tells this training from others: the artifact that is being made."""
    names: Sequence[str] = ()
    """The ids of the rows to train on, in their order."""
    valid_names: Sequence[str] = ()
    format: str = ""
    """The fingerprint of what encoded the rows."""
    reference: Reference | None = None
    """What is known of the reference; `train` opens it where rows are met more than once."""
    keep_best: Path | None = None
    """Where the adapter is kept at every evaluation that is the best one yet."""
    logs: Path | None = None
    """Where trackers that write files put them."""
    deadline: Deadline = NEVER
    """When to stop after the step at work, leaving a checkpoint."""
    progress: Callable[[int, int, str], None] = field(default=lambda done, total, note: None)
    """Told how many steps of how many are done, and how it goes."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.settings.epochs * self._steps_an_epoch

    def order(self, step: int) -> list[int]:
        """The rows of a step: every epoch visits each once, in an order of its own."""
        epoch, place = divmod(step, self._steps_an_epoch)
        size = self.settings.batch_rows
        return _shuffled(len(self.train), self.seed, epoch)[place * size : (place + 1) * size]

    def batch(self, step: int) -> list[Row]:
        """The rows of a step themselves."""
        return [self.train[index] for index in self.order(step)]

    def fingerprint(self) -> str:
        """The sha256 of all that its checkpoints depend on but the model."""
        rows = hashlib.sha256()
        for row in self.train:
            for sequence in row:
                rows.update(array("q", [len(sequence.ids), *sequence.ids]).tobytes())
                rows.update(bytes(sequence.supervised))
            rows.update(b"\n")
        settings: list[Any] = [
            part.model_dump(mode="json") for part in (self.objective, self.settings)
        ]
        return digest([self.identity, self.seed, rows.hexdigest(), *settings])

    @property
    def _steps_an_epoch(self) -> int:
        return math.ceil(len(self.train) / self.settings.batch_rows)


def weight(objective: Objective, rows: Sequence[Row]) -> int:
    """What the rows count together."""
    return sum(objective.weight([sequence.answer_tokens for sequence in row]) for row in rows)


def micro_batches(rows: Sequence[Row], budget: int, place: Place) -> list[tuple[int, list[int]]]:
    """The micro-batches of one process: a number that no other has, and indices into `rows`."""
    mine = _share(rows, place)
    bins = group([rows[index] for index in mine], budget)
    return [
        (place.rank + number * place.processes, [mine[at] for at in bin_])
        for number, bin_ in enumerate(bins)
    ]


def named(indices: Sequence[int], names: Sequence[str]) -> str:
    """The rows by id where ids are known, the first few of many."""
    shown = ", ".join(names[at] if names else f"number {at}" for at in indices[:SHOWN])
    left = len(indices) - SHOWN
    return f"{shown} and {left} more" if left > 0 else shown


def _share(rows: Sequence[Row], place: Place) -> list[int]:
    """This process's rows, in order: the longest first, each to whom has least to do."""
    if place.processes == 1:
        return list(range(len(rows)))
    lengths = [sum(len(sequence.ids) for sequence in row) for row in rows]
    load = [0] * place.processes
    mine = []
    for index in sorted(range(len(rows)), key=lambda index: (-lengths[index], index)):
        rank = load.index(min(load))
        load[rank] += lengths[index]
        if rank == place.rank:
            mine.append(index)
    return sorted(mine)


@lru_cache(maxsize=2)
def _shuffled(count: int, seed: int, epoch: int) -> list[int]:
    order = list(range(count))
    random_for(seed, "epoch", epoch).shuffle(order)
    return order
