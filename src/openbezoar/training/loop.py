"""The training loop: one objective, one adapter, exact over the whole optimiser step, resumable."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import Accelerator

from openbezoar import memory
from openbezoar.errors import ModelError
from openbezoar.families import Objective, random_for
from openbezoar.training.adapters import adapter_tensors, set_dropout
from openbezoar.training.best import keep_if_best
from openbezoar.training.checkpoints import Checkpoints, Progress
from openbezoar.training.course import Course, Place, micro_batches, named, weight
from openbezoar.training.exchange import Part, clipped_norm, largest, summed
from openbezoar.training.journal import FILE, keeping_journal
from openbezoar.training.micro_batch import check_packing, micro_batch
from openbezoar.training.optimisers import make_optimiser
from openbezoar.training.packing import Row
from openbezoar.training.reference import Reference, fingerprint
from openbezoar.training.settings import learning_rate_at
from openbezoar.training.shortage import told_what_to_lower

__all__ = ["Course", "train"]


def train(model: Any, course: Course) -> Progress:
    """Train the model's adapter in place; returns the metrics of every step.

    A row's loss is weighted over the whole step, so neither the division into micro-batches nor
    that between processes matters. Dropout depends on (seed, step, micro-batch) alone, so a resumed
    run repeats the numbers of an uninterrupted one. Raises ModelError when the loss is not a
    number, when memory runs out, when the first loss of an objective with a reference is not the
    one with no margin, or where an alarm stops it.
    """
    accelerator = Accelerator(
        cpu=model.device.type == "cpu",
        log_with=list(course.runtime.trackers) or None,
        project_dir=course.logs,
    )
    optimiser = accelerator.prepare_optimizer(make_optimiser(model, course.settings))
    checkpoints = Checkpoints(
        course.scratch, course.fingerprint(), course.say, accelerator.is_main_process
    )
    progress = checkpoints.restore_latest(model, optimiser)
    if 0 < progress.step < course.steps:
        course.say(f"continues at step {progress.step} of {course.steps}")
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
    if course.runtime.recompute:
        model.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
    with told_what_to_lower(course.settings, course.runtime, model):
        check_packing(model, course.train, course.say)
        run = _remembering(_Run(model, optimiser, accelerator, course), progress)
        _go_through(run, progress, checkpoints)
    return progress


@dataclass(frozen=True)
class _Run:
    """What the steps of a training share."""

    model: Any
    optimiser: Any
    accelerator: Accelerator
    course: Course

    @property
    def place(self) -> Place:
        """Which process this is."""
        return Place(self.accelerator.process_index, self.accelerator.num_processes)


def _remembering(run: _Run, progress: Progress) -> _Run:
    """The same with the reference of each row kept, where rows are still met more than once.

    The file that keeps it is named by all that may change a log-probability.
    """
    course = run.course
    is_over = progress.step == course.steps
    if is_over or not course.objective.reference or course.settings.epochs == 1:
        return run
    key = fingerprint(
        run.model, run.model.device.type, course.format, course.settings.max_tokens,
        course.runtime.micro_tokens,
    )  # fmt: skip
    reference = Reference(course.scratch, key, run.accelerator.is_main_process)
    return replace(run, course=replace(course, reference=reference))


def _go_through(run: _Run, progress: Progress, checkpoints: Checkpoints) -> None:
    course = run.course
    with keeping_journal(course, run.accelerator, progress) as journal:
        if not progress.step:
            progress.metrics.append({"step": 0, **_evaluated(run, 0)})
            if journal:
                journal.tell(progress)
        while progress.step < course.steps:
            began = time.monotonic()
            _take_step(run, progress)
            _measure(progress, time.monotonic() - began)
            is_last = progress.step == course.steps
            if is_last or _is_due(course.settings.evaluate_every, progress.step):
                progress.metrics[-1].update(_evaluated(run, progress.step))
                if course.keep_best is not None and run.accelerator.is_main_process:
                    keep_if_best(course.keep_best, run.model, progress.metrics)
            _heed_alarms(course, progress)
            if is_last or _is_due(course.runtime.checkpoint_every, progress.step):
                _measure_memory(run, progress)
                checkpoints.save(run.model, run.optimiser, progress)
            if journal:
                journal.tell(progress)
            _stop_in_time(run, progress, checkpoints)


def _stop_in_time(run: _Run, progress: Progress, checkpoints: Checkpoints) -> None:
    """Leave a checkpoint and raise BudgetReached once the run's time is over.

    One process decides: its error ends the others.
    """
    course = run.course
    is_over = run.accelerator.is_main_process and course.deadline.is_over()
    if is_over and progress.step < course.steps:
        checkpoints.save(run.model, run.optimiser, progress)
        course.deadline.check()


def _take_step(run: _Run, progress: Progress) -> None:
    model, course = run.model, run.course
    chosen = course.order(progress.step)
    rows = [course.train[index] for index in chosen]
    whole = weight(course.objective, rows)
    rate = learning_rate_at(course.settings, progress.step, course.steps)
    for parameters in run.optimiser.param_groups:
        parameters["lr"] = rate
    set_dropout(model, on=True)
    parts: list[Part] = []
    for number, bin_ in micro_batches(rows, course.runtime.micro_tokens, run.place):
        torch.manual_seed(random_for(course.seed, progress.step, number).getrandbits(63))
        loss, sums = _micro_batch(run, [rows[at] for at in bin_])
        run.accelerator.backward(loss / whole)
        parts.append(Part([chosen[at] for at in bin_], {"loss": loss.detach(), **sums}))
    totals, broken = _totals(run, parts)
    if broken:
        raise _no_number(
            f"the loss at step {progress.step + 1}", totals, course, named(broken, course.names)
        )
    metrics = _means(run, totals, whole, progress.step)
    _refuse_bad_start(course.objective, progress.step, metrics)
    norm = clipped_norm(
        list(adapter_tensors(model).values()), run.accelerator, course.settings.clip
    )
    if norm == 0 or not math.isfinite(norm):
        raise _no_gradient(norm, progress.step, course, named(chosen, course.names))
    run.optimiser.step()
    run.optimiser.zero_grad()
    progress.step += 1
    progress.tokens += sum(len(sequence.ids) for row in rows for sequence in row)
    progress.metrics.append(
        {"step": progress.step, "learning_rate": rate, "gradient_norm": norm, **metrics}
    )


def _micro_batch(run: _Run, rows: Sequence[Row]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    return micro_batch(run.model, run.course.objective, rows, run.course.reference)


def _totals(run: _Run, parts: Sequence[Part]) -> tuple[dict[str, float], list[int]]:
    """What all processes found, and the rows whose loss is no number."""
    if run.course.reference is not None:
        run.course.reference.share()
    return summed(parts)


@torch.no_grad()
def _evaluated(run: _Run, step: int) -> dict[str, float]:
    """The objective's mean over the validation rows after so many steps, as `valid_...`."""
    course, rows = run.course, run.course.valid
    if not rows:
        return {}
    set_dropout(run.model, on=False)
    parts = []
    for _, bin_ in micro_batches(rows, course.runtime.micro_tokens, run.place):
        loss, sums = _micro_batch(run, [rows[index] for index in bin_])
        parts.append(Part(bin_, {"loss": loss, **sums}))
    memory.release()
    totals, broken = _totals(run, parts)
    if broken:
        raise _no_number("the validation loss", totals, course, named(broken, course.valid_names))
    means = _means(run, totals, weight(course.objective, rows), step)
    return {f"valid_{name}": mean for name, mean in means.items()}


def _means(run: _Run, totals: dict[str, float], whole: float, step: int) -> dict[str, float]:
    """Every sum by what the rows count, but none that would mean nothing before the first update.

    Policy and reference are one then: no pair is ranked, and a share of those ranked right would
    be 0 or a matter of rounding.
    """
    unknown = frozenset() if step else run.course.objective.ranked
    return {name: total / whole for name, total in totals.items() if name not in unknown}


def _no_number(what: str, totals: dict[str, float], course: Course, rows: str) -> ModelError:
    return ModelError(
        f"{what} is {totals['loss']} with the rows {rows}; lower learning_rate or "
        f"look at these rows; what was measured before is in {course.scratch / FILE}; a rerun "
        "continues from the last checkpoint"
    )


def _no_gradient(norm: float, step: int, course: Course, rows: str) -> ModelError:
    advice = f"try another `precision`, or look at the rows {rows}"
    if norm == 0:
        return ModelError(
            f"the gradient's norm is 0 at step {step + 1}: nothing would be learned; {advice}"
        )
    if step:
        advice = (
            f"lower learning_rate ({course.settings.learning_rate:g} now); if that does not "
            f"help, {advice}"
        )
    return ModelError(f"the gradient's norm is {norm} at step {step + 1}; {advice}")


def _refuse_bad_start(objective: Objective, step: int, metrics: dict[str, float]) -> None:
    loss, expected = metrics["loss"], objective.first_loss()
    if step or expected is None:
        return
    margin = metrics.get("margin", 0.0)
    if not math.isclose(loss, expected, rel_tol=1e-3, abs_tol=1e-3) or abs(margin) > 1e-3:
        raise ModelError(
            f"the first loss is {loss:.4f} with a margin of {margin:.4f}, not {expected:.4f} with "
            "none: the reference is not the model that training starts from; start from a merged "
            "model with a new adapter"
        )


def _heed_alarms(course: Course, progress: Progress) -> None:
    for alarm in course.runtime.health.listen(progress.metrics):
        course.say(f"warning: {alarm.text}")


def _is_due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


def _measure(progress: Progress, seconds: float) -> None:
    measured = progress.measured
    measured["seconds"] = measured.get("seconds", 0.0) + seconds
    measured["tokens_per_second"] = progress.tokens / measured["seconds"]


def _measure_memory(run: _Run, progress: Progress) -> None:
    """The most that one process held, in main memory and on its GPU."""
    found = {"peak_memory_mb": memory.peak_mb()}
    if run.model.device.type == "cuda":
        found["peak_gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
    for name, value in largest(found).items():
        progress.measured[name] = max(value, progress.measured.get(name, 0.0))
