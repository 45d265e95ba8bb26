"""What a train stage has to say of itself once it is over."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from openbezoar.families import Numbers
from openbezoar.training.health import alarms

if TYPE_CHECKING:
    from openbezoar.training.checkpoints import Progress
    from openbezoar.training.course import Course
    from openbezoar.training.encoding import EncodedRows

__all__ = ["left_out", "outcome", "write_metrics"]


def outcome(
    course: "Course", progress: "Progress", parts: "Mapping[str, EncodedRows]", kept: int
) -> Numbers:
    """Rows, tokens, losses and alarms; the weights after the step `kept` are those of the stage."""
    metrics = progress.metrics
    numbers: Numbers = {
        "rows": len(course.train),
        "validation_rows": len(course.valid),
        "left_out": left_out(parts),
        "cut": _cut(parts),
        "alarms": [alarm.text for alarm in alarms(metrics, course.runtime.health)],
        "steps": progress.step,
        "tokens": progress.tokens,
        "answer_tokens": course.settings.epochs
        * sum(sequence.answer_tokens for sequence in itertools.chain(*course.train)),
        "first_loss": metrics[1]["loss"],
        "last_loss": metrics[-1]["loss"],
    }
    return numbers | _around(metrics, kept)


def left_out(parts: "Mapping[str, EncodedRows]") -> dict[str, JsonValue]:
    """How many rows of each part cannot be trained on, by reason."""
    return {
        f"{name}: {reason}": count
        for name, part in parts.items()
        for reason, count in part.left_out.items()
    }


def write_metrics(path: Path, metrics: list[dict[str, float]]) -> None:
    """One JSON object a step."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in metrics)


def _cut(parts: "Mapping[str, EncodedRows]") -> dict[str, JsonValue]:
    return {
        f"{name}: {what}": count
        for name, part in parts.items()
        for what, count in part.cut.items()
        if count
    }


def _around(metrics: list[dict[str, float]], kept: int) -> Numbers:
    """What the validation rows said before training, and of the weights that are kept.

    None where they said nothing yet: before training DPO ranks no pair.
    """
    numbers: Numbers = {"kept_step": kept}
    after = next(line for line in metrics if line["step"] == kept)
    for name in ("loss", "accuracy", "margin"):
        if f"valid_{name}" in after:
            numbers[f"validation_{name}_before"] = metrics[0].get(f"valid_{name}")
            numbers[f"validation_{name}_after"] = after[f"valid_{name}"]
    return numbers
