"""One side of a comparison: an evaluate stage of a store, or a FastChat file of judgments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbezoar import jsonl, shelf
from openbezoar.comparison.cells import Cell, cells_of
from openbezoar.comparison.filed import filed
from openbezoar.errors import DataError
from openbezoar.records import Score
from openbezoar.store import Artifact, Store

__all__ = ["Side", "side_of"]

Cells = Mapping[str, Mapping[str, list[Cell]]]


@dataclass(frozen=True)
class Side:
    """A measured model."""

    name: str
    """As the person named it."""
    model: str
    scores: dict[str, Score]
    cells: Cells

    @property
    def title(self) -> str:
        """The name, and the model's where it is another."""
        return self.name if self.name == self.model else f"{self.name} ({self.model})"


def side_of(name: str, store: Store) -> Side:
    """Read a stage of the store, or `FILE.jsonl` or `FILE.jsonl:MODEL` of FastChat's judgments."""
    file, _, model = name.partition(":")
    if not file.endswith((".jsonl", ".jsonl.gz")):
        return _staged(shelf.latest(store, name))
    held = filed(Path(file), model)
    scores = {score.name: score for score in held.scores}
    return Side(name, held.model, scores, cells_of(held.items, held.model))


def _staged(artifact: Artifact) -> Side:
    manifest = artifact.manifest
    if manifest.makes != "scores":
        raise DataError(
            f"{artifact.folder}: stage {manifest.stage!r} makes {manifest.makes}; "
            "name an evaluate stage"
        )
    numbers: Any = artifact.numbers
    path = artifact.folder / "items.jsonl"
    items = [row for _, row in jsonl.read_objects(path)] if path.is_file() else []
    model = str(numbers["model"])
    scores = [Score.model_validate(score) for score in numbers["scores"]]
    cells = _grouped(cells_of(items, model), {score.name for score in scores})
    return Side(manifest.stage, model, {score.name: score for score in scores}, cells)


def _grouped(cells: Cells, scored: set[str]) -> Cells:
    """Tasks without a score of their own are part of a group's, such as MMLU's subjects."""
    found: dict[str, dict[str, list[Cell]]] = {}
    for metric, by_item in cells.items():
        name = metric if metric in scored else _group_of(metric, scored)
        found.setdefault(name, {}).update(by_item)
    return found


def _group_of(metric: str, scored: set[str]) -> str:
    task, _, rest = metric.partition(".")
    pieces = task.split("_")
    names = ("_".join(pieces[:most]) + f".{rest}" for most in range(1, len(pieces)))
    return next((name for name in names if name in scored), metric)
