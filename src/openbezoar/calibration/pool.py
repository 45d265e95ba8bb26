"""The rows that a stage's judge saw, kept and rejected alike, and a sample of them to label."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from openbezoar import jsonl
from openbezoar.records import Example, Rejected
from openbezoar.store import Artifact

__all__ = ["Seen", "ratings", "rows", "sample", "seen", "was_judged"]

JUDGED = "judged"


class Seen(NamedTuple):
    """A row and the rating that its verdict held; None where the judge could not be read."""

    row: Example
    rating: float | None


def seen(artifact: Artifact) -> Iterator[Seen]:
    """Every row that reached the judge, read from the disk."""
    for row in artifact.rows(Example):
        yield _seen(row)
    later = _kinds_after_the_judge(artifact)
    for rejected in jsonl.read(artifact.folder / "rejected.jsonl", Rejected):
        if rejected.verdict.filter == JUDGED:
            grade = rejected.verdict.grade
            yield Seen(Example.model_validate(rejected.row), grade.rating if grade else None)
        elif rejected.verdict.filter in later:
            yield _seen(Example.model_validate(rejected.row))


def was_judged(artifact: Artifact) -> bool:
    """Whether a judge was among the filters that made it."""
    return JUDGED in _kinds(artifact)


def ratings(artifact: Artifact) -> dict[str, float | None]:
    """The judge's rating of every row it saw, by the row's id."""
    return {found.row.id: found.rating for found in seen(artifact)}


def rows(artifact: Artifact, ids: Collection[str]) -> dict[str, Example]:
    """The rows with these ids; those that the judge never saw are absent."""
    if not ids:
        return {}
    return {found.row.id: found.row for found in seen(artifact) if found.row.id in ids}


def sample(
    rated: Mapping[str, float | None],
    n: int,
    known: Collection[str],
    draw: Callable[[str], float],
) -> list[str]:
    """Up to `n` ids in which ratings occur as they do among all, in an order that tells nothing.

    The rows are lined up by rating and cut into `n` equal runs; each gives one row, one that is
    `known` already where there is one. So every figure over the sample is one for the stage.
    `draw` gives each id a number by lot.
    """
    lottery = {id_: draw(id_) for id_ in rated}
    line = sorted(rated, key=lambda id_: (_height(rated[id_]), lottery[id_]))
    n = min(n, len(line))
    edges = [place * len(line) // n for place in range(n + 1)] if n else []
    runs = (line[start:end] for start, end in pairwise(edges))
    chosen = [min(run, key=lambda id_: (id_ not in known, lottery[id_])) for run in runs]
    return sorted(chosen, key=lottery.__getitem__)


def _height(rating: float | None) -> float:
    return float("-inf") if rating is None else rating


def _seen(row: Example) -> Seen:
    grades = [verdict.grade for verdict in row.verdicts if verdict.filter == JUDGED]
    return Seen(row, grades[-1].rating if grades and grades[-1] else None)


def _kinds_after_the_judge(artifact: Artifact) -> set[str]:
    """Filters whose rejected rows the judge saw; one that stands on both sides tells nothing."""
    kinds = _kinds(artifact)
    place = kinds.index(JUDGED)
    return set(kinds[place + 1 :]) - set(kinds[:place])


def _kinds(artifact: Artifact) -> list[str]:
    science: Any = artifact.manifest.science
    return [part["kind"] for part in science["settings"].get("filters", [])]
