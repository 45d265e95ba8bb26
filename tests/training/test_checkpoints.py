"""A training goes on from its newest checkpoint that can be read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.training import checkpoints
from openbezoar.training.adapters import adapter_tensors
from openbezoar.training.checkpoints import Progress, restore_latest

OPTIMISERS: dict[str, Callable[[list[Any]], Any]] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1),
}


def stepped(model: Any, optimiser: Any, step: int) -> dict[str, torch.Tensor]:
    """Take one step against made-up gradients, and copy the adapter."""
    for name, parameter in adapter_tensors(model).items():
        parameter.grad = torch.full_like(parameter, 0.1 * step + len(name) / 100)
    optimiser.step()
    return {name: tensor.detach().clone() for name, tensor in adapter_tensors(model).items()}


def at(step: int) -> Progress:
    return Progress(step=step, tokens=10 * step, metrics=[{"step": step, "loss": 0.1 + step}])


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_adapter_optimiser_and_progress_come_back_exactly(
    adapted: Callable[..., Any], tmp_path: Path, make: Callable[[list[Any]], Any]
) -> None:
    model = adapted()
    optimiser = make(list(adapter_tensors(model).values()))
    stepped(model, optimiser, 1)
    checkpoints.save(tmp_path, model, optimiser, at(1))
    expected = stepped(model, optimiser, 2)
    again = adapted()
    resumed = make(list(adapter_tensors(again).values()))
    assert restore_latest(tmp_path, again, resumed) == at(1)
    found = stepped(again, resumed, 2)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_training_without_checkpoints_starts_at_the_start(
    adapted: Callable[..., Any], tmp_path: Path
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    assert restore_latest(tmp_path / "none", model, optimiser) == Progress()


def test_the_last_two_are_kept(adapted: Callable[..., Any], tmp_path: Path) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    for step in (9, 10, 11):
        checkpoints.save(tmp_path, model, optimiser, at(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-00000010",
        "checkpoint-00000011",
    ]


@pytest.mark.parametrize("name", ["adapter.safetensors", "optimiser.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    adapted: Callable[..., Any], tmp_path: Path, name: str, damage: str
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    for step in (1, 2):
        stepped(model, optimiser, step)
        checkpoints.save(tmp_path, model, optimiser, at(step))
    path = tmp_path / "checkpoint-00000002" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert restore_latest(tmp_path, model, optimiser) == at(1)


def test_an_interrupted_save_is_no_checkpoint(adapted: Callable[..., Any], tmp_path: Path) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    (tmp_path / "checkpoint.partial").mkdir()
    (tmp_path / "checkpoint.partial" / "state.json").write_text("{", encoding="utf-8")
    checkpoints.save(tmp_path, model, optimiser, at(1))
    assert restore_latest(tmp_path, model, optimiser).step == 1
