"""The adapter of the lowest validation loss is found again, also after an interruption."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.training.best import best_step, keep_if_best, restore_best
from openbezoar.training.loop import train
from tests.training.conftest import Rows
from tests.training.test_loop import Killed, interrupted, is_equal, tensors

Make = Callable[..., Any]


def lines(*losses: float | None) -> list[dict[str, float]]:
    """Metrics of steps 0, 1, 2...; None where there was no evaluation."""
    return [
        {"step": step} | ({} if loss is None else {"valid_loss": loss})
        for step, loss in enumerate(losses)
    ]


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ((0.1, 3.0, 2.0, 2.5), 2),
        ((0.1, None, 2.0), 2),
        ((5.0, 2.0, None, 2.0), 1),
        ((1.0, 3.0), 1),
    ],
)
def test_the_best_step_is_one_of_training_and_the_first_of_equals(
    losses: tuple[float | None, ...], step: int
) -> None:
    assert best_step(lines(*losses)) == step


def shifted(model: Any, by: float) -> Any:
    with torch.no_grad():
        for parameter in (one for one in model.parameters() if one.requires_grad):
            parameter.add_(by)
    return model


def test_the_best_adapter_comes_back_bit_for_bit(adapted: Make, tmp_path: Path) -> None:
    model, losses = adapted(), (9.0, 3.0, 2.0, 2.5)
    seen = {}
    for step in (1, 2, 3):
        keep_if_best(tmp_path, shifted(model, 0.5), lines(*losses[: step + 1]))
        seen[step] = tensors(model)
    assert restore_best(tmp_path, model, lines(*losses)) == 2
    assert is_equal(tensors(model), seen[2])


def test_a_file_of_a_step_not_yet_repeated_is_not_taken(adapted: Make, tmp_path: Path) -> None:
    """Killed after step 3 and resumed at step 1, where nothing later is better."""
    model = adapted()
    for losses in ((9.0, 3.0), (9.0, 3.0, 2.5), (9.0, 3.0, 2.5, 2.0)):
        keep_if_best(tmp_path, shifted(model, 0.5), lines(*losses))
        if len(losses) == 2:
            first = tensors(model)
    assert restore_best(tmp_path, model, lines(9.0, 3.0, 3.5)) == 1
    assert is_equal(tensors(model), first)


def test_a_training_that_was_interrupted_keeps_the_best_of_one_that_was_not(
    adapted: Make, course: Make, rows: Rows, tmp_path: Path
) -> None:
    lesson = course(
        rows[:4], rows[4:], batch_rows=2, epochs=4, evaluate_every=1, checkpoint_every=3,
        learning_rate=1.0,
    )  # fmt: skip
    through, resumed = adapted(), adapted()
    best = {name: tmp_path / f"{name}-best" for name in ("whole", "killed")}
    whole = train(through, replace(lesson, scratch=tmp_path / "a", keep_best=best["whole"]))
    killed = replace(lesson, scratch=tmp_path / "b", keep_best=best["killed"])
    with pytest.raises(Killed):
        train(adapted(), interrupted(killed, 5))
    again = train(resumed, killed)
    step = restore_best(best["whole"], through, whole.metrics)
    assert restore_best(best["killed"], resumed, again.metrics) == step
    assert is_equal(tensors(through), tensors(resumed))
