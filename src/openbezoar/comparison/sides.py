"""One side of a comparison: an evaluate stage of a store, or a FastChat file of judgments."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbezoar import jsonl, shelf
from openbezoar.comparison.cells import Cell, cells_of
from openbezoar.errors import DataError
from openbezoar.evaluations.fastchat import SingleJudgment, read_judgments
from openbezoar.evaluations.grades import Graded, Grading
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
    if file.endswith((".jsonl", ".jsonl.gz")):
        return _filed(name, Path(file), model)
    return _staged(shelf.latest(store, name))


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


def _filed(name: str, path: Path, model: str) -> Side:
    judgments = read_judgments(path)
    models = sorted({one.model for one in judgments})
    model = model or (models[0] if len(models) == 1 else "")
    mine = [one for one in judgments if one.model == model]
    if not mine:
        raise DataError(f"{path}: name one of its models: {path}:MODEL ({', '.join(models)})")
    rows = [_row(one) for one in mine]
    settings = {
        "judge": ", ".join(sorted({one.judge[0] for one in mine})),
        "prompts": ", ".join(sorted({one.judge[1] for one in mine})),
    }
    scores = Grading(1.0, str(path), {**settings}).scores(rows)
    items = [
        {"evaluation": "mt_bench", "id": f"{row.question}.{row.turn}", "rating": row.rating}
        for row in rows
    ]
    cells = cells_of(items, model)
    return Side(name, model, {score.name: score for score in scores}, cells)


def _row(judgment: SingleJudgment) -> Graded:
    rating = None if judgment.score == -1 else judgment.score
    return Graded(str(judgment.question_id), "any", judgment.turn, rating, "unread on file")
