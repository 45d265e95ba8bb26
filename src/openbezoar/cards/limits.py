"""What a reader must know before use, as far as the manifests hold it."""

from collections.abc import Iterator
from typing import Any

from openbezoar.cards.subject import Subject
from openbezoar.cards.tables import MOST_MISSING, share_missing
from openbezoar.plurals import counted
from openbezoar.report.numbers import TrainNumbers
from openbezoar.shelf import kept_contaminated

__all__ = ["limits"]

HARM = ("refusals",)
"""The evaluations that say how a model takes what it should not answer."""


def limits(subject: Subject) -> list[str]:
    """A line for each limit that a number or a warning in the manifests supports."""
    lines = [*_of_rows(subject), *_warnings(subject)]
    if subject.is_model:
        lines += [*_of_training(subject), *_of_scores(subject)]
    return list(dict.fromkeys(lines))


def _of_rows(subject: Subject) -> Iterator[str]:
    """Whether rows that hold items of benchmarks were looked for."""
    yield from kept_contaminated(made.artifact for made in subject.line)
    searched = False
    for made in subject.of_kind("filter"):
        numbers: Any = made.artifact.numbers.get("contamination")
        if isinstance(numbers, dict):
            searched = True
            yield f"{made.name}: {_search(numbers)}"
    if not searched:
        yield "no row was compared with the items of a benchmark"


def _search(numbers: dict[str, Any]) -> str:
    """What was looked for, and what was found and came of it."""
    tasks = numbers["tasks"]
    hit = ", ".join(task for task, counts in tasks.items() if counts["rows"])
    fate = "dropped" if numbers["flagged"] == "drop" else "kept"
    found = f"{counted(numbers['rows'], 'row')} with some of {hit} {fate}" if hit else "found none"
    return f"looked for items of {', '.join(tasks) or 'no benchmark'}; {found}"


def _warnings(subject: Subject) -> Iterator[str]:
    for made in subject.line:
        numbers: Any = made.artifact.numbers
        for warning in (*numbers.get("warnings", ()), *numbers.get("alarms", ())):
            yield f"{made.name}: {warning}"


def _of_training(subject: Subject) -> Iterator[str]:
    for made in subject.of_kind("train"):
        numbers = made.numbers
        if isinstance(numbers, TrainNumbers):
            if numbers.got_worse:
                yield f"{made.name}: the validation loss did not fall"
            if numbers.validation_loss_after is None:
                yield f"{made.name}: no validation loss was measured"
            for why, count in numbers.left_out.items():
                yield f"{made.name}: {counted(count, 'row')} left out ({why})"


def _of_scores(subject: Subject) -> Iterator[str]:
    scores = [score for _, numbers in subject.evaluations for score in numbers.scores]
    if not scores:
        yield "the store holds no evaluation of this model"
    if not any(score.name.startswith(HARM) for score in scores):
        yield "how it takes harmful requests was not measured"
    for score in scores:
        if score.value is None and score.higher_is_better is None:
            continue  # what tells of no quality is no limit where nobody could measure it
        if score.value is None:
            yield f"{score.name} has no value: {score.note or 'nothing could be measured'}"
        elif share_missing(score) > MOST_MISSING:
            yield f"{score.name}: {share_missing(score):.0%} of its rows gave nothing"
