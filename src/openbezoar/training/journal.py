"""What a training tells while it runs: a line for who waits, metrics in a file and for trackers."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from accelerate import Accelerator

from openbezoar.training.checkpoints import Progress
from openbezoar.training.course import Course

__all__ = ["FILE", "Journal", "keeping_journal"]

FILE = "metrics.jsonl"


@dataclass
class Journal:
    """The metrics so far, one JSON object a line, readable while the training runs."""

    course: Course
    accelerator: Accelerator
    file: TextIO
    began: float = field(default_factory=time.monotonic)

    def tell(self, progress: Progress) -> None:
        """Note the newest metrics, and say how far the training is."""
        line = progress.metrics[-1]
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        numbers = {name: value for name, value in line.items() if name != "step"}
        if speed := progress.measured.get("tokens_per_second"):
            numbers["tokens_per_second"] = speed
        self.accelerator.log(numbers, step=progress.step)
        if progress.step:
            self.course.progress(progress.step, self.course.steps, _note(line, speed or 0.0))


@contextmanager
def keeping_journal(
    course: Course, accelerator: Accelerator, progress: Progress
) -> Iterator[Journal | None]:
    """Open the journal after what `progress` holds already; only one process has it."""
    if not accelerator.is_main_process:
        yield None
        return
    course.scratch.mkdir(parents=True, exist_ok=True)
    if progress.step < course.steps:
        config = {"steps": course.steps, **course.settings.model_dump(mode="json")}
        accelerator.init_trackers("openbezoar", config=config)
    with (course.scratch / FILE).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in progress.metrics)
        try:
            yield Journal(course, accelerator, file)
        finally:
            for tracker in accelerator.trackers:
                tracker.finish()


def _note(line: dict[str, Any], speed: float) -> str:
    parts = [f"loss {line['loss']:.3f}"]
    if "valid_loss" in line:
        parts.append(f"validation {line['valid_loss']:.3f}")
    parts.append(f"learning rate {line['learning_rate']:.2g}")
    parts.append(f"{speed:.0f} tokens/s")
    return ", ".join(parts)
