"""Packed log-probabilities and gradients are those of each sequence alone, with full logits."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
import torch

from openbezoar.training.adapters import adapter_tensors
from openbezoar.training.format import Encoded
from openbezoar.training.logps import answer_log_probabilities, sequence_log_probabilities
from openbezoar.training.packing import pack, tokens_of
from tests.training.conftest import Rows

Make = Callable[..., Any]


def plain(model: Any, sequence: Encoded) -> torch.Tensor:
    """The summed log-probability of one sequence, from its full logits."""
    logits = model(input_ids=torch.tensor([sequence.ids])).logits[0].float()
    chosen = logits[:-1].log_softmax(-1).gather(-1, torch.tensor(sequence.ids[1:])[:, None])[:, 0]
    return (chosen * torch.tensor(sequence.supervised[1:])).sum()


def perturbed(model: Any) -> Any:
    """Give the adapter weights that matter."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.3, generator=generator)
    return model


def as_it_is(make: Make) -> Any:
    return perturbed(make())


def with_checkpointing(make: Make) -> Any:
    model = perturbed(make())
    model.activation_checkpointing_enable()
    model.enable_input_require_grads()
    return model


def in_four_bits(make: Make) -> Any:
    """NF4 weights, everything else in float32."""
    model = perturbed(make("nf4"))
    for module in model.modules():
        if hasattr(module, "compute_dtype"):
            module.compute_dtype = torch.float32
    for parameter in model.parameters():
        if parameter.dtype == torch.bfloat16:
            parameter.data = parameter.data.float()
    return model


def on_the_output_layer(make: Make) -> Any:
    return perturbed(make(targets=("q_proj", "lm_head")))


MODELS = [as_it_is, with_checkpointing, in_four_bits, on_the_output_layer]


@pytest.fixture
def mixed(rows: Rows, pairs: Rows) -> Rows:
    """Rows of one sequence and pairs of two, in turn."""
    return list(chain(*zip(rows[:4], pairs[:4], strict=True)))


@pytest.mark.parametrize("prepare", MODELS)
def test_packed_and_shared_is_what_each_sequence_gives_alone(
    adapted: Make, mixed: Rows, prepare: Callable[[Make], Any]
) -> None:
    ours, reference = prepare(adapted), prepare(adapted)
    packed = pack(mixed)
    weights = torch.linspace(-1, 2, len(packed.sequences)) / 100
    together = sequence_log_probabilities(ours, packed)
    alone = torch.stack([plain(reference, sequence) for sequence in packed.sequences])
    assert torch.allclose(together, alone, atol=1e-4, rtol=1e-6)
    assert alone.std() > 1
    (together * weights).sum().backward()
    (alone * weights).sum().backward()
    expected = adapter_tensors(reference)
    for name, tensor in adapter_tensors(ours).items():
        largest = float(expected[name].grad.abs().max())
        assert largest > 0
        assert torch.allclose(tensor.grad, expected[name].grad, atol=1e-3 * largest, rtol=0)


def test_a_pair_packed_computes_its_prompt_once(pairs: Rows) -> None:
    chosen, rejected = pairs[0]
    prompt = len(chosen.ids) - chosen.answer_tokens
    assert tokens_of(pairs[0]) == prompt + chosen.answer_tokens + rejected.answer_tokens
    assert pack([pairs[0]]).ids.shape == (1, tokens_of(pairs[0]))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "nf4"])
def test_editing_one_row_leaves_the_others_bit_for_bit(
    adapted: Make, rows: Rows, pairs: Rows, precision: str
) -> None:
    model = perturbed(adapted(precision))
    (middle,) = rows[1]
    edited = (Encoded([*middle.ids[:-3], 9, 9, 9], middle.supervised),)
    with torch.no_grad():
        before = sequence_log_probabilities(model, pack([pairs[0], rows[1], pairs[1]]))
        after = sequence_log_probabilities(model, pack([pairs[0], edited, pairs[1]]))
    assert torch.equal(before != after, torch.tensor([False, False, True, False, False]))


def test_editing_one_answer_leaves_the_other_of_the_pair_bit_for_bit(
    adapted: Make, pairs: Rows
) -> None:
    model = perturbed(adapted())
    chosen, rejected = pairs[0]
    edited = Encoded([*chosen.ids[:-2], 9, 9], chosen.supervised)
    with torch.no_grad():
        before = sequence_log_probabilities(model, pack([(chosen, rejected)]))
        after = sequence_log_probabilities(model, pack([(edited, rejected)]))
    assert torch.equal(before != after, torch.tensor([True, False]))


def test_scores_come_in_the_order_given_with_their_tokens(adapted: Make, rows: Rows) -> None:
    model = adapted().eval()
    sequences = [row[0] for row in rows]
    found = answer_log_probabilities(model, sequences, micro_tokens=400)
    with torch.no_grad():
        expected = [float(plain(model, sequence)) for sequence in sequences]
    assert [total for total, _ in found] == pytest.approx(expected, abs=1e-4)
    assert [tokens for _, tokens in found] == [sequence.answer_tokens for sequence in sequences]
