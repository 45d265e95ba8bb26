"""Training on a CUDA GPU: packed as alone, in four bits, with 8-bit AdamW, merged, in processes."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar import runner
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.recipe import load
from openbezoar.store import Store
from openbezoar.training.adapters import Lora, adapter_tensors, attach_adapter, load_model
from openbezoar.training.attention import use_segments
from openbezoar.training.logps import lone_log_probabilities, sequence_log_probabilities
from openbezoar.training.loop import train
from openbezoar.training.optimisers import make_optimiser
from openbezoar.training.packing import pack
from openbezoar.training.processes import train_from
from openbezoar.training.settings import Optimisation
from tests.training.conftest import Rows
from tests.training.families import some_rows, tiny
from tests.training.test_attention import PACKABLE

pytestmark = pytest.mark.gpu

Make = Callable[..., Any]
DEVICE = "cuda"
DPO = DirectPreferenceOptimization()
RECIPE = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 10, validation: 0.3}
  first: &train
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: nf4
    lora: {r: 4, alpha: 8}
    optimisation: {batch_rows: 4, learning_rate: 1.0e-2, optimiser: paged_adamw_8bit}
    runtime: {device: DEVICE}
  merged: {kind: merge, adapter: first, runtime: {device: DEVICE}}
  dpo: {<<: *train, start: merged, objective: {kind: dpo}}
"""


def adapted(checkpoint: Path, device: str = DEVICE, precision: Any = "nf4", **lora: Any) -> Any:
    """The tiny model with an adapter, always the same one."""
    model = load_model(checkpoint, device, precision)
    return attach_adapter(model, Lora(**{"r": 4, "alpha": 8, "dropout": 0.0, **lora}))


def stirred(model: Any) -> Any:
    """Give the adapter weights that matter, drawn alike for every device."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in adapter_tensors(model).values():
            tensor += 0.1 * torch.randn(tensor.shape, generator=draw).to(tensor.device)
    return model


def both_ways(model: Any, rows: Rows) -> list[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    """Log-probabilities and gradients, packed and of each sequence alone."""
    found = []
    packed = pack(rows, device=DEVICE)
    weights = torch.linspace(-1, 2, len(packed.sequences), device=DEVICE) / 100
    ways = (
        partial(sequence_log_probabilities, model, packed),
        partial(lone_log_probabilities, model, packed.sequences),
    )
    for way in ways:
        sums = way()
        (sums * weights).sum().backward()
        gradients = {name: tensor.grad for name, tensor in adapter_tensors(model).items()}
        model.zero_grad()
        found.append((sums.detach(), gradients))
    return found


def test_prompts_computed_once_change_nothing_in_float32(
    tiny_checkpoint: Path, pairs: Rows
) -> None:
    model = stirred(adapted(tiny_checkpoint, precision="float32"))
    (together, ours), (alone, theirs) = both_ways(model, pairs)
    assert torch.allclose(together, alone, atol=1e-4, rtol=1e-6)
    for name, expected in theirs.items():
        largest = float(expected.abs().max())
        assert largest > 0
        assert torch.allclose(ours[name], expected, atol=1e-3 * largest, rtol=0), name


@pytest.mark.parametrize("precision", ["bfloat16", "nf4"])
def test_prompts_computed_once_change_no_more_than_rounding_does(
    tiny_checkpoint: Path, pairs: Rows, precision: str
) -> None:
    model = stirred(adapted(tiny_checkpoint, precision=precision))
    (together, ours), (alone, theirs) = both_ways(model, pairs)
    tokens = torch.tensor([one.answer_tokens for pair in pairs for one in pair], device=DEVICE)
    assert float(((together - alone).abs() / tokens).max()) < 0.05
    mine, expected = (
        torch.cat([tensor.flatten().float() for tensor in gradients.values()])
        for gradients in (ours, theirs)
    )
    assert float(torch.cosine_similarity(mine, expected, dim=0)) > 0.99


@pytest.mark.parametrize("family", PACKABLE)
def test_every_family_that_is_packed_gives_in_bfloat16_what_it_gives_alone(family: str) -> None:
    model = tiny(family, **PACKABLE[family]).to(DEVICE, torch.bfloat16)
    packed = pack(some_rows(), device=DEVICE)
    with torch.no_grad():
        alone = lone_log_probabilities(model, packed.sequences)
        assert use_segments(model)
        together = sequence_log_probabilities(model, packed)
    tokens = torch.tensor([one.answer_tokens for one in packed.sequences], device=DEVICE)
    assert float(((together - alone).abs() / tokens).max()) < 0.05


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("optimiser", ["adamw", "paged_adamw_8bit"])
def test_an_adapter_on_four_bits_learns_with_every_tensor(
    course: Make, rows: Rows, tiny_checkpoint: Path, optimiser: str, recompute: bool
) -> None:
    model = adapted(tiny_checkpoint, dropout=0.1)
    before = {name: tensor.detach().clone() for name, tensor in adapter_tensors(model).items()}
    lesson = course(
        rows, rows, epochs=4, evaluate_every=1, optimiser=optimiser, recompute=recompute
    )
    metrics = train(model, lesson).metrics
    assert all(line["gradient_norm"] > 1e-3 for line in metrics[1:])
    assert metrics[-1]["valid_loss"] < metrics[0]["valid_loss"]
    for name, tensor in adapter_tensors(model).items():
        assert not torch.equal(tensor, before[name]), name


def test_paged_adamw_keeps_its_state_in_eight_bits_and_follows_thirty_two(
    tiny_checkpoint: Path,
) -> None:
    models = [adapted(tiny_checkpoint, r=64, targets=("up_proj",)) for _ in range(2)]
    kinds: Any = ("adamw", "paged_adamw_8bit")
    optimisers = [
        make_optimiser(model, Optimisation(optimiser=kind, learning_rate=1e-2))
        for model, kind in zip(models, kinds, strict=True)
    ]
    assert type(optimisers[1]).__name__ == "PagedAdamW8bit"
    for step in range(20):
        for model, optimiser in zip(models, optimisers, strict=True):
            draw = torch.Generator(device=DEVICE).manual_seed(step)
            for tensor in adapter_tensors(model).values():
                tensor.grad = 1 + torch.randn(tensor.shape, generator=draw, device=DEVICE)
            optimiser.step()
    assert torch.uint8 in [state["state1"].dtype for state in optimisers[1].state.values()]
    for one, other in zip(*(adapter_tensors(model).values() for model in models), strict=True):
        assert float((one - other).detach().abs().max()) < 0.02


def test_dpo_on_four_bits_starts_at_ln_2_whatever_the_dropout(
    course: Make, pairs: Rows, tiny_checkpoint: Path
) -> None:
    model = adapted(tiny_checkpoint, dropout=0.5)
    first = train(model, course(pairs, pairs, DPO, batch_rows=6, epochs=2)).metrics
    assert first[0]["valid_loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert first[0]["valid_margin"] == pytest.approx(0, abs=1e-3)


def test_the_line_runs_and_a_merge_is_near_the_model_that_was_trained(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    text = RECIPE.replace("CHECKPOINT", str(tiny_checkpoint)).replace("DEVICE", DEVICE)
    path.write_text(text, encoding="utf-8")
    made = runner.run(load(path), Store(tmp_path / "store"), lambda stage, told: None)
    numbers: Any = {one.manifest.stage: one.numbers for one in made}
    assert numbers["dpo"]["first_loss"] == pytest.approx(math.log(2), abs=1e-3)
    rules = numbers["merged"]["rules"]
    assert 0 <= rules["dequantised"]["kl"] < 0.01
    assert rules["dequantised"]["kl"] < rules["original"]["kl"]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="two processes take two GPUs")
def test_two_gpus_give_the_losses_of_one(
    course: Make, pairs: Rows, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    found = {}
    for processes in (1, 2):
        lesson = course(pairs, pairs, DPO, epochs=2, processes=processes)
        runtime = lesson.runtime.model_copy(update={"device": DEVICE})
        lesson = replace(lesson, runtime=runtime, scratch=tmp_path / str(processes))
        opened = partial(adapted, tiny_checkpoint, precision="float32")
        found[processes] = train_from(opened, lesson)[1].metrics
    for one, two in zip(found[1], found[2], strict=True):
        assert two == pytest.approx(one, rel=1e-3, abs=1e-5)
