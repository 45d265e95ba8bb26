"""A training goes on from its newest checkpoint that can be read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.training.adapters import adapter_tensors
from openbezoar.training.checkpoints import Checkpoints, Progress

OPTIMISERS: dict[str, Callable[[list[Any]], Any]] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1),
}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def checkpoints(tmp_path: Path, told: list[str]) -> Checkpoints:
    return Checkpoints(tmp_path, "this training", told.append)


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
    adapted: Callable[..., Any], checkpoints: Checkpoints, make: Callable[[list[Any]], Any]
) -> None:
    model = adapted()
    optimiser = make(list(adapter_tensors(model).values()))
    stepped(model, optimiser, 1)
    checkpoints.save(model, optimiser, at(1))
    expected = stepped(model, optimiser, 2)
    again = adapted()
    resumed = make(list(adapter_tensors(again).values()))
    assert checkpoints.restore_latest(again, resumed) == at(1)
    found = stepped(again, resumed, 2)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_training_without_checkpoints_starts_at_the_start(
    adapted: Callable[..., Any], checkpoints: Checkpoints
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    assert checkpoints.restore_latest(model, optimiser) == Progress()


def test_the_last_two_are_kept(
    adapted: Callable[..., Any], checkpoints: Checkpoints, tmp_path: Path
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    for step in (9, 10, 11):
        checkpoints.save(model, optimiser, at(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-00000010",
        "checkpoint-00000011",
    ]


FILES = ("adapter.safetensors", "optimiser.safetensors", "state.json", "digests.json")
DAMAGES: dict[str, Callable[[Path, bytes], object]] = {
    "cut": lambda path, content: path.write_bytes(content[: len(content) // 2]),
    "empty": lambda path, content: path.write_bytes(b""),
    "gone": lambda path, content: path.unlink(),
    "flipped": lambda path, content: path.write_bytes(
        content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_is_told(
    adapted: Callable[..., Any],
    checkpoints: Checkpoints,
    told: list[str],
    tmp_path: Path,
    name: str,
    damage: str,
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    for step in (1, 2):
        stepped(model, optimiser, step)
        checkpoints.save(model, optimiser, at(step))
    path = tmp_path / "checkpoint-00000002" / name
    DAMAGES[damage](path, path.read_bytes())
    assert checkpoints.restore_latest(model, optimiser) == at(1)
    assert len(told) == 1
    assert told[0].startswith("warning: checkpoint-00000002 ")
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("fingerprint", "r"), [("another training", 4), ("this training", 8)], ids=["settings", "rank"]
)
def test_a_checkpoint_of_another_training_is_left_and_told(
    adapted: Callable[..., Any],
    checkpoints: Checkpoints,
    told: list[str],
    fingerprint: str,
    r: int,
) -> None:
    model, other = adapted(), adapted(r=r)
    for one in (model, other):
        one.optimiser = OPTIMISERS["adamw"](list(adapter_tensors(one).values()))
    replace(checkpoints, fingerprint=fingerprint).save(other, other.optimiser, at(90))
    assert checkpoints.restore_latest(model, model.optimiser) == Progress()
    assert told == [
        "warning: checkpoint-00000090 belongs to another training (other settings, rows or start): "
        "it is removed"
    ]
    checkpoints.save(model, model.optimiser, at(1))
    assert checkpoints.restore_latest(model, model.optimiser) == at(1)


def test_an_interrupted_save_is_no_checkpoint(
    adapted: Callable[..., Any], checkpoints: Checkpoints, tmp_path: Path
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    (tmp_path / "checkpoint.partial").mkdir()
    (tmp_path / "checkpoint.partial" / "state.json").write_text("{", encoding="utf-8")
    assert checkpoints.restore_latest(model, optimiser) == Progress()
    assert not list(tmp_path.iterdir())


def test_of_several_processes_one_writes_and_all_read(
    adapted: Callable[..., Any], checkpoints: Checkpoints, tmp_path: Path
) -> None:
    model = adapted()
    optimiser = OPTIMISERS["adamw"](list(adapter_tensors(model).values()))
    reader = replace(checkpoints, writes=False)
    reader.save(model, optimiser, at(1))
    assert not list(tmp_path.iterdir())
    checkpoints.save(model, optimiser, at(1))
    assert reader.restore_latest(model, optimiser) == at(1)
