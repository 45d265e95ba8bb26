"""Metrics can be read while a training runs, by people and by trackers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker

from openbezoar.training.loop import Course, train
from openbezoar.training.settings import check_trackers
from tests.training.conftest import Rows


class Notes(GeneralTracker):  # type: ignore[misc]
    """A tracker that remembers."""

    name = "notes"
    requires_logging_directory = True
    tracker = None
    opened: ClassVar[list[str]] = []
    noted: ClassVar[list[tuple[int, dict[str, Any]]]] = []

    def __init__(self, project: str, logging_dir: Any) -> None:
        super().__init__()
        self.opened.append(f"{project} in {logging_dir}")

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.noted.append((-1, values))

    def log(self, values: dict[str, Any], step: int | None, **settings: Any) -> None:
        self.noted.append((step or 0, values))

    def finish(self) -> None:
        self.opened.append("closed")


@pytest.fixture
def tracker() -> Any:
    LOGGER_TYPE_TO_CLASS["notes"] = Notes
    Notes.opened.clear()
    Notes.noted.clear()
    yield Notes
    del LOGGER_TYPE_TO_CLASS["notes"]


def test_a_step_is_told_with_its_loss_rate_and_speed(
    adapted: Callable[..., Any], course: Callable[..., Course], rows: Rows
) -> None:
    told: list[tuple[int, int, str]] = []
    lesson = replace(course(rows, rows), progress=lambda *how: told.append(how))
    metrics = train(adapted(), lesson).metrics
    assert [(done, of) for done, of, _ in told] == [(1, 2), (2, 2)]
    loss, valid, rate, speed = told[1][2].split(", ")
    assert loss == f"loss {metrics[2]['loss']:.3f}"
    assert valid == f"validation {metrics[2]['valid_loss']:.3f}"
    assert rate == "learning rate 0.005"
    assert speed.endswith(" tokens/s")


def test_the_metrics_lie_in_a_file_while_the_training_runs(
    adapted: Callable[..., Any], course: Callable[..., Course], rows: Rows
) -> None:
    lesson = course(rows, rows)
    seen: list[int] = []

    def look(done: int, total: int, note: str) -> None:
        lines = (lesson.scratch / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        seen.append(json.loads(lines[-1])["step"])

    metrics = train(adapted(), replace(lesson, progress=look)).metrics
    lines = (lesson.scratch / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert seen == [1, 2]
    assert [json.loads(line) for line in lines] == metrics


def test_a_tracker_is_given_every_measurement(
    adapted: Callable[..., Any], course: Callable[..., Course], rows: Rows, tracker: Any
) -> None:
    lesson = course(rows, rows, trackers=("notes",))
    check_trackers(lesson.runtime.trackers)
    metrics = train(adapted(), lesson).metrics
    assert tracker.opened == [f"openbezoar in {lesson.logs}", "closed"]
    (_, settings), *noted = tracker.noted
    assert settings["learning_rate"] == lesson.settings.learning_rate
    for line, (step, values) in zip(metrics, noted, strict=True):
        assert {"step": step, **values} | {"tokens_per_second": 0} == line | {
            "tokens_per_second": 0
        }


def written(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Name, step and value of every number in a folder of TensorBoard's."""
    from tensorboardX.proto.event_pb2 import Event

    for path in folder.rglob("events.*"):
        content = path.read_bytes()
        while content:
            # a record is its length, in 8 bytes, a checksum, the event, and another checksum
            end = 12 + int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12:end])
            yield from ((one.tag, event.step, one.simple_value) for one in event.summary.value)
            content = content[end + 4 :]


def test_tensorboard_is_given_every_measurement(
    adapted: Callable[..., Any], course: Callable[..., Course], rows: Rows
) -> None:
    """A tracker as accelerate has it; the others differ in where they send the same."""
    lesson = course(rows, rows, trackers=("tensorboard",))
    assert lesson.logs is not None
    check_trackers(lesson.runtime.trackers)
    metrics = train(adapted(), lesson).metrics
    found = {(name, step): value for name, step, value in written(lesson.logs)}
    told = {
        (name, int(line["step"])): value
        for line in metrics
        for name, value in line.items()
        if name != "step"
    }
    assert len(told) == 8
    for place, value in told.items():
        assert found[place] == pytest.approx(value, rel=1e-6), place
    assert found["tokens_per_second", 2] > 0


def test_no_tracker_is_opened_for_a_training_that_is_done(
    adapted: Callable[..., Any], course: Callable[..., Course], rows: Rows, tracker: Any
) -> None:
    train(adapted(), course(rows))
    train(adapted(), course(rows, trackers=("notes",)))
    assert not tracker.opened
