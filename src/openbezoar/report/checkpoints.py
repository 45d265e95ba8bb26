"""Every checkpoint of the line side by side: what it makes of held-out rows, how it answers."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from openbezoar.records import Score
from openbezoar.report.contents import Contents
from openbezoar.report.numbers import EvaluateNumbers, TrainNumbers
from openbezoar.report.pieces import LedgerNumbers, Loss

__all__ = ["Checkpoint", "Checkpoints", "Figure", "checkpoints", "rows_of"]

ANSWERS = {
    "stopped": "answers that stop",
    "tokens": "mean tokens",
    "refusals": "refusals",
    "repetition": "repetition",
}
"""What is told of the answers, by the name of the figure."""
UNITS = {"answers that stop": ", share", "refusals": ", share", "repetition": ", share"}
"""What figures are counted in, where their names do not say it."""
LEDGER, PERPLEXITY = "ledger.", "perplexity."


class Figure(NamedTuple):
    """One number of a checkpoint."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    missing: int = 0
    change: float | None = None
    """By how many nats a token the loss rose since `since`, the stage that learned the data."""
    since: str = ""


class Checkpoint(NamedTuple):
    """One model, as it was after a stage."""

    name: str
    kind: str
    """How it came to be: train, merge, or checkpoint where the line began."""
    figures: dict[str, Figure]


class Checkpoints(NamedTuple):
    """The table."""

    columns: list[str]
    lines: list[Checkpoint]

    def marks(self, column: str) -> list[Figure | None]:
        """One column, for a picture."""
        return [line.figures.get(column) for line in self.lines]


def checkpoints(contents: Contents) -> Checkpoints:
    """All that have a ledger, in the order in which the line leads through them."""
    placed = sorted(_found(contents), key=lambda one: one[0])
    lines = [line for _, line in placed]
    names = dict.fromkeys(name for line in lines for name in line.figures)
    losses = [name for name in names if name.startswith(PERPLEXITY)]
    answers = [title for title in ANSWERS.values() if title in names]
    return Checkpoints([*losses, *answers], lines)


def rows_of(book: Checkpoints, as_json: bool) -> list[dict[str, Any]]:
    """One object a checkpoint: with all of each figure, or its value alone for a terminal."""
    rows = []
    for line in book.lines:
        row: dict[str, Any] = {"checkpoint": line.name, "kind": line.kind}
        for column in book.columns:
            figure = line.figures.get(column)
            row[column] = figure and (figure._asdict() if as_json else figure.value)
        rows.append(row)
    return rows


def _found(contents: Contents) -> Iterator[tuple[tuple[int, int], Checkpoint]]:
    """Every ledger, with its place: how many trainings lie behind it, and what came first there."""
    for made in contents.latest:
        behind = sum(one.kind == "train" for one in contents.upstream(made))
        if isinstance(made.numbers, TrainNumbers) and (ledger := made.numbers.ledger):
            yield (behind + 1, 0), Checkpoint(made.name, "train", _of_training(ledger))
        elif isinstance(made.numbers, EvaluateNumbers):
            figures = _of_scores(made.numbers.scores)
            kind = "merge" if behind else "checkpoint"
            if figures:
                yield (behind, 1), Checkpoint(made.numbers.model, kind, figures)


def _of_training(ledger: LedgerNumbers) -> dict[str, Figure]:
    losses = {f"{PERPLEXITY}{data}": _perplexity(loss) for data, loss in ledger.losses.items()}
    answers = {
        ANSWERS[name]: Figure(one.value, one.low, one.high, one.n, one.missing)
        for name, one in ledger.figures.items()
        if name in ANSWERS
    }
    return losses | answers


def _perplexity(loss: Loss) -> Figure:
    value, low, high = (
        None if nats is None else math.exp(nats) for nats in (loss.loss, loss.low, loss.high)
    )
    return Figure(value, low, high, loss.rows, 0, loss.change, loss.since)


def _of_scores(scores: tuple[Score, ...]) -> dict[str, Figure]:
    """The figures of one evaluation of kind `ledger`; of several the last."""
    found = {}
    for score in scores:
        name = score.name.removeprefix(LEDGER)
        title = name if name.startswith(PERPLEXITY) else ANSWERS.get(name, "")
        if title and score.name.startswith(LEDGER):
            found[title] = Figure(score.value, score.low, score.high, score.n, score.missing)
    return found
