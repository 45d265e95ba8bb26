"""The ledger: every score of every model in one table, with its interval, n and footnotes."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from openbezoar.records import Score
from openbezoar.report.checkpoints import LEDGER
from openbezoar.report.contents import Contents, Made
from openbezoar.report.numbers import EvaluateNumbers

__all__ = ["Column", "Ledger", "Line", "ledger", "main_lines"]

PANELS, PER_FAMILY = 9, 3
"""How many metrics are drawn, and how many of one evaluation."""


class Column(NamedTuple):
    """One evaluated model."""

    model: str
    label: str
    """The checkpoint, for a model that this store did not make."""
    stage: str
    identity: str
    """What tells the very model from any other, whatever stages call it."""


class Line(NamedTuple):
    """One metric over the models; nothing where a model was not measured."""

    metric: str
    family: str
    scores: list[Score | None]

    @property
    def arrow(self) -> str:
        """Which way is better, if one is."""
        return next(score.arrow for score in self.scores if score)

    @property
    def notes(self) -> list[str]:
        """Every note of the line's scores, once."""
        return list(dict.fromkeys(score.note for score in self.scores if score and score.note))

    def flagged(self, columns: Sequence[Column]) -> dict[str, str]:
        """The models whose score carries a flag, by flag; all of them are just that."""
        found: dict[str, list[str]] = {}
        for column, score in zip(columns, self.scores, strict=True):
            for flag in score.flags if score else ():
                found.setdefault(flag, []).append(column.model)
        measured = sum(score is not None for score in self.scores)
        return {
            flag: "all models" if 1 < measured == len(models) else ", ".join(models)
            for flag, models in found.items()
        }

    @property
    def shared_note(self) -> str:
        """The note that all the line's scores carry, where they carry the same."""
        notes = {score.note for score in self.scores if score}
        return notes.pop() if len(notes) == 1 else ""


class Ledger(NamedTuple):
    """The table."""

    columns: list[Column]
    lines: list[Line]
    notes: list[str]
    """Every note once; a note's number is its place, counted from 1."""

    @property
    def models(self) -> int:
        """How many models were measured; one that two stages measured is one."""
        return len({column.identity for column in self.columns})


def ledger(contents: Contents) -> Ledger:
    """All scores, the model with the least training behind it first."""
    stages = [made for made in contents.latest if isinstance(made.numbers, EvaluateNumbers)]
    stages.sort(key=lambda made: sum(before.kind == "train" for before in contents.upstream(made)))
    tables = [_by_name(made) for made in stages]
    keys = dict.fromkeys(key for table in tables for key in table)
    lines = [
        Line(name, name.split(".", maxsplit=1)[0], [table.get((name, turn)) for table in tables])
        for name, turn in keys
    ]
    notes = dict.fromkeys(s.note for line in lines for s in line.scores if s and s.note)
    return Ledger([_column(made) for made in stages], lines, list(notes))


def main_lines(book: Ledger) -> list[Line]:
    """The lines worth a picture: whole metrics rather than parts, a few of each evaluation."""
    names = {line.metric for line in book.lines}
    counts: Counter[str] = Counter()
    chosen = []
    for line in book.lines:
        measured = sum(score is not None and score.value is not None for score in line.scores)
        if measured and not _is_part(line.metric, names):
            counts[line.family] += 1
            if counts[line.family] <= PER_FAMILY:
                chosen.append(line)
    return chosen[:PANELS]


def _by_name(made: Made) -> dict[tuple[str, int], Score]:
    """The scores by name; a name used twice in one stage keeps both, told apart by their turn."""
    assert isinstance(made.numbers, EvaluateNumbers)  # noqa: S101 - `ledger` picks evaluate stages
    turns: Counter[str] = Counter()
    table = {}
    for score in made.numbers.scores:
        if score.name.startswith(LEDGER):
            continue  # these have a table of their own, beside the train stages'
        table[score.name, turns[score.name]] = score
        turns[score.name] += 1
    return table


def _column(made: Made) -> Column:
    assert isinstance(made.numbers, EvaluateNumbers)  # noqa: S101 - `ledger` picks evaluate stages
    model = made.numbers.model
    return Column(model, made.model(model), made.name, made.identity(model))


def _is_part(name: str, names: set[str]) -> bool:
    """Whether the metric is a part of another, or says the same in other units."""
    family, _, rest = name.partition(".")
    if family == "perplexity" and f"loss.{rest}" in names:
        return True
    return any(name.startswith((f"{other}.", f"{other}_")) for other in names - {name})
