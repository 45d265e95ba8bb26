"""The training loop: one objective, one adapter, exact over the whole optimiser step, resumable."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from openbezoar import memory
from openbezoar.errors import ModelError
from openbezoar.families import Objective, random_for
from openbezoar.training import checkpoints
from openbezoar.training.adapters import adapter_tensors, set_dropout
from openbezoar.training.checkpoints import Progress
from openbezoar.training.logps import sequence_log_probabilities
from openbezoar.training.packing import Row, group, pack
from openbezoar.training.reference import Reference, fingerprint, reference_log_probabilities
from openbezoar.training.settings import (
    Optimisation,
    TrainingRuntime,
    check_optimiser,
    learning_rate_at,
)

__all__ = ["Course", "train"]


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
    format: str = ""
    """The fingerprint of what encoded the rows."""
    reference: Reference | None = None
    """What is known of the reference; `train` opens it where rows are met more than once."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.settings.epochs * math.ceil(len(self.train) / self.settings.batch_rows)

    def batch(self, step: int) -> list[Row]:
        """The rows of a step: every epoch visits each row once, in an order of its own."""
        size = self.settings.batch_rows
        epoch, place = divmod(step, math.ceil(len(self.train) / size))
        order = list(range(len(self.train)))
        random_for(self.seed, "epoch", epoch).shuffle(order)
        return [self.train[index] for index in order[place * size : (place + 1) * size]]


def train(model: Any, course: Course) -> Progress:
    """Train the model's adapter in place; returns the metrics of every step.

    A row's loss is weighted over the whole step, so the division into micro-batches does not
    matter. Dropout depends on (seed, step, micro-batch) alone, so a resumed run repeats the
    numbers of an uninterrupted one. Raises ModelError when the loss is not a number, when the first
    loss of an objective with a reference is not the one with no margin, or where an alarm stops it.
    """
    if course.objective.reference and course.settings.epochs > 1:
        key = fingerprint(model, model.device.type, course.format, course.settings.max_tokens)
        course = replace(course, reference=Reference(course.scratch, key))
    accelerator = Accelerator(cpu=model.device.type == "cpu")
    optimiser = accelerator.prepare_optimizer(_optimiser(model, course.settings))
    progress = checkpoints.restore_latest(course.scratch, model, optimiser)
    if progress.step:
        course.say(f"continues at step {progress.step} of {course.steps}")
    else:
        progress.metrics.append({"step": 0, **_evaluated(model, course)})
    began = time.monotonic()
    while progress.step < course.steps:
        _take_step(model, optimiser, accelerator, course, progress)
        memory.release()
        if _is_due(course.settings.evaluate_every, progress.step, course.steps):
            progress.metrics[-1].update(_evaluated(model, course))
        for alarm in course.runtime.health.listen(progress.metrics):
            course.say(f"warning: {alarm.text}")
        if progress.step % course.runtime.checkpoint_every == 0:
            checkpoints.save(course.scratch, model, optimiser, progress)
        _tell(course, progress, time.monotonic() - began)
    return progress


def _take_step(
    model: Any, optimiser: Any, accelerator: Accelerator, course: Course, progress: Progress
) -> None:
    rows = course.batch(progress.step)
    objective = course.objective
    weight = sum(objective.weight([sequence.answer_tokens for sequence in row]) for row in rows)
    rate = learning_rate_at(course.settings, progress.step, course.steps)
    for parameters in optimiser.param_groups:
        parameters["lr"] = rate
    totals: dict[str, float] = {"loss": 0.0}
    set_dropout(model, on=True)
    for number, bin_ in enumerate(group(rows, course.runtime.micro_tokens)):
        torch.manual_seed(random_for(course.seed, progress.step, number).getrandbits(63))
        loss, sums = _micro_batch(model, course, [rows[index] for index in bin_])
        accelerator.backward(loss / weight)
        for name, value in {"loss": loss.detach(), **sums}.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    metrics = {name: total / weight for name, total in totals.items()}
    _refuse_bad_start(objective, progress.step, metrics)
    norm = float(accelerator.clip_grad_norm_(adapter_tensors(model).values(), course.settings.clip))
    if norm == 0 or not math.isfinite(norm):
        raise ModelError(
            f"the gradient's norm is {norm} at step {progress.step + 1}: nothing would be learned; "
            "try another `precision`, or look at the rows"
        )
    optimiser.step()
    optimiser.zero_grad()
    progress.step += 1
    progress.tokens += sum(len(sequence.ids) for row in rows for sequence in row)
    progress.metrics.append(
        {"step": progress.step, "learning_rate": rate, "gradient_norm": norm, **metrics}
    )


def _micro_batch(
    model: Any, course: Course, rows: Sequence[Row]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    sequences = [sequence for row in rows for sequence in row]
    packed = pack(sequences, device=str(model.device))
    shape = (len(rows), len(rows[0]))
    reference = None
    if course.objective.reference:
        reference = _reference(model, course, rows, packed)
        set_dropout(model, on=torch.is_grad_enabled())
    policy = sequence_log_probabilities(model, packed).view(shape)
    tokens = torch.tensor([sequence.answer_tokens for sequence in sequences]).view(shape)
    return course.objective.loss(policy, reference, tokens.to(policy.device))


def _reference(model: Any, course: Course, rows: Sequence[Row], packed: Any) -> torch.Tensor:
    def compute() -> torch.Tensor:
        found = reference_log_probabilities(
            model, lambda base: sequence_log_probabilities(base, packed)
        )
        return found.view(len(rows), len(rows[0]))

    if course.reference is None:
        return compute()
    return course.reference.fetch(rows, compute).to(model.device)


@torch.no_grad()
def _evaluated(model: Any, course: Course) -> dict[str, float]:
    """The objective's mean over the validation rows, as `valid_...`."""
    if not course.valid:
        return {}
    set_dropout(model, on=False)
    weight = 0
    totals: dict[str, float] = {}
    for bin_ in group(course.valid, course.runtime.micro_tokens):
        rows = [course.valid[index] for index in bin_]
        loss, sums = _micro_batch(model, course, rows)
        for row in rows:
            weight += course.objective.weight([sequence.answer_tokens for sequence in row])
        for name, value in {"loss": loss, **sums}.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    if not math.isfinite(totals["loss"]):
        raise ModelError(
            f"the validation loss is {totals['loss']}; lower learning_rate or look at the rows; "
            "a rerun continues from the last checkpoint"
        )
    return {f"valid_{name}": total / weight for name, total in totals.items()}


def _refuse_bad_start(objective: Objective, step: int, metrics: dict[str, float]) -> None:
    loss, expected = metrics["loss"], objective.first_loss()
    if not math.isfinite(loss):
        raise ModelError(
            f"the loss is {loss} at step {step + 1}; lower learning_rate or look at the rows; "
            "a rerun continues from the last checkpoint"
        )
    if step or expected is None:
        return
    is_expected = math.isclose(loss, expected, rel_tol=1e-3, abs_tol=1e-3)
    if not is_expected or abs(metrics.get("margin", 0.0)) > 1e-3:
        raise ModelError(
            f"the first loss is {loss:.4f} with a margin of {metrics.get('margin', 0.0):.4f}, not "
            f"{expected:.4f} with none: the reference is not the model that training starts from; "
            "start from a merged model with a new adapter"
        )


def _optimiser(model: Any, settings: Optimisation) -> torch.optim.Optimizer:
    parameters = list(adapter_tensors(model).values())
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if settings.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, weight_decay=decay)
    check_optimiser(settings.optimiser, model.device.type)
    from bitsandbytes.optim import PagedAdamW8bit

    optimiser: torch.optim.Optimizer = PagedAdamW8bit(parameters, lr=rate, weight_decay=decay)
    return optimiser


def _is_due(every: int, step: int, steps: int) -> bool:
    return step == steps or (every > 0 and step % every == 0)


def _tell(course: Course, progress: Progress, seconds: float) -> None:
    metrics = progress.metrics[-1]
    done = progress.step / course.steps
    valid = f", validation {metrics['valid_loss']:.3f}" if "valid_loss" in metrics else ""
    course.say(
        f"step {progress.step}/{course.steps} ({done:.0%}), loss {metrics['loss']:.3f}{valid}, "
        f"{seconds:.0f} s"
    )
