"""All weights learn as an adapter does; a second model, which never moves, is the reference."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import adapter_tensors, load_model
from openbezoar.training.format import Format
from openbezoar.training.loop import train
from openbezoar.training.micro_batch import micro_batch
from openbezoar.training.processes import train_from
from openbezoar.training.reference import fingerprint
from openbezoar.training.whole import Whole, save_whole
from tests.training.conftest import Rows
from tests.training.test_logps import plain
from tests.training.test_loop import Killed, interrupted, is_equal, tensors

Make = Callable[..., Any]
DPO = DirectPreferenceOptimization()


def loaded(checkpoint: Path, device: str = "cpu") -> Whole:
    """The tiny model with its reference, always the same ones."""
    return Whole(*(load_model(checkpoint, device, "float32") for _ in range(2)))


def moved(checkpoint: Path) -> Whole:
    """The same, its policy no longer the reference."""
    whole, draw = loaded(checkpoint), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in adapter_tensors(whole).values():
            tensor += 0.05 * torch.randn(tensor.shape, generator=draw)
    return whole


@pytest.mark.parametrize("objective", [SupervisedFineTuning(), DPO])
def test_every_weight_learns_and_none_of_the_reference(
    course: Make, rows: Rows, pairs: Rows, tiny_checkpoint: Path, objective: Any
) -> None:
    model = loaded(tiny_checkpoint)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    data = pairs if objective.reference else rows
    metrics = train(model, course(data, data, objective, epochs=3, learning_rate=1e-3)).metrics
    assert metrics[-1]["valid_loss"] < metrics[0]["valid_loss"]
    changed = {
        name for name, old in before.items() if not torch.equal(old, model.get_parameter(name))
    }
    assert changed == {name for name in before if name.startswith("policy.")}


def test_dpo_of_all_weights_starts_at_ln_2(
    course: Make, pairs: Rows, tiny_checkpoint: Path
) -> None:
    first = train(loaded(tiny_checkpoint), course(pairs, objective=DPO, batch_rows=6)).metrics[1]
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert first["margin"] == pytest.approx(0, abs=1e-5)


def test_loss_and_gradients_are_those_of_two_models_and_sequences_alone(
    pairs: Rows, tiny_checkpoint: Path
) -> None:
    packed, apart = moved(tiny_checkpoint), moved(tiny_checkpoint)
    loss, sums = micro_batch(packed, DPO, pairs)
    policy, reference = (
        torch.stack([torch.stack([plain(model, side) for side in pair]) for pair in pairs])
        for model in (apart.policy, apart.frozen)
    )
    tokens = torch.tensor([[side.answer_tokens for side in pair] for pair in pairs])
    expected, theirs = DPO.loss(policy, reference.detach(), tokens)
    assert float(sums["margin"]) == pytest.approx(float(theirs["margin"]), abs=1e-3)
    assert abs(float(sums["margin"])) > 0.1
    loss.backward()
    expected.backward()
    for name, tensor in adapter_tensors(apart).items():
        largest = float(tensor.grad.abs().max())
        assert largest > 0
        found = packed.get_parameter(name).grad
        assert torch.allclose(found, tensor.grad, atol=1e-3 * largest, rtol=0), name


@pytest.mark.parametrize("step", [1, 4])
def test_a_training_of_all_weights_interrupted_ends_in_the_same_bytes(
    course: Make, pairs: Rows, tiny_checkpoint: Path, tmp_path: Path, step: int
) -> None:
    lesson = course(pairs, pairs, DPO, batch_rows=2, epochs=2, checkpoint_every=2)
    through, resumed = loaded(tiny_checkpoint), loaded(tiny_checkpoint)
    whole = train(through, replace(lesson, scratch=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(loaded(tiny_checkpoint), interrupted(lesson, step))
    assert train(resumed, lesson) == whole
    assert is_equal(tensors(through), tensors(resumed))


def test_what_is_known_of_a_reference_is_known_by_its_own_weights(tiny_checkpoint: Path) -> None:
    assert fingerprint(moved(tiny_checkpoint)) == fingerprint(loaded(tiny_checkpoint))
    other = loaded(tiny_checkpoint)
    with torch.no_grad(), other.disable_adapter():
        other.get_base_model().lm_head.weight[7, 3] += 1e-3
    assert fingerprint(other) != fingerprint(loaded(tiny_checkpoint))


def test_a_saved_model_is_the_trained_one_and_stops_where_its_base_did(
    tiny_checkpoint: Path, format_: Format, tmp_path: Path
) -> None:
    model = moved(tiny_checkpoint)
    save_whole(tiny_checkpoint, model, format_.tokenizer, tmp_path)
    found = load_model(tmp_path, precision="float32")
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        assert torch.equal(found(input_ids=ids).logits, model.policy(input_ids=ids).logits)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert (config["dtype"], config["eos_token_id"]) == ("float32", 2)
    assert Format.load(tmp_path).fingerprint == format_.fingerprint


@pytest.mark.slow
def test_two_processes_train_all_weights_as_one_does(
    course: Make, pairs: Rows, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    found = {}
    for processes in (1, 2):
        lesson = course(pairs[:5], pairs, DPO, learning_rate=1e-4, processes=processes, epochs=2)
        lesson = replace(lesson, scratch=tmp_path / str(processes))
        found[processes] = train_from(partial(loaded, tiny_checkpoint), lesson)[1].metrics
    for one, two in zip(found[1], found[2], strict=True):
        assert two == pytest.approx(one, rel=1e-3, abs=1e-5)
