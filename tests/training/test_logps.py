"""Packed and chunked log-probabilities are those of each sequence alone, with full logits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from openbezoar.training.format import Encoded
from openbezoar.training.logps import CHUNK, answer_log_probabilities, sequence_log_probabilities
from openbezoar.training.packing import pack
from tests.training.conftest import Rows


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


def test_packed_log_probabilities_are_those_of_each_sequence_alone(
    adapted: Callable[..., Any], rows: Rows
) -> None:
    model = perturbed(adapted())
    with torch.no_grad():
        together = sequence_log_probabilities(model, pack([row[0] for row in rows]))
        alone = torch.stack([plain(model, row[0]) for row in rows])
    assert torch.allclose(together, alone, atol=1e-4, rtol=0)
    assert alone.std() > 1


def test_editing_one_sequence_leaves_the_others_bit_for_bit(
    adapted: Callable[..., Any], rows: Rows
) -> None:
    model = adapted()
    sequences = [row[0] for row in rows[:3]]
    edited = Encoded([*sequences[1].ids[:-3], 9, 9, 9], sequences[1].supervised)
    with torch.no_grad():
        before = sequence_log_probabilities(model, pack(sequences))
        after = sequence_log_probabilities(model, pack([sequences[0], edited, sequences[2]]))
    assert before[0] == after[0]
    assert before[2] == after[2]
    assert before[1] != after[1]


def test_gradients_in_chunks_are_those_of_full_logits(adapted: Callable[..., Any]) -> None:
    ids = [3 + 7 * place % 200 for place in range(CHUNK + 90)]
    sequences = [
        Encoded(ids, [True] * len(ids)),
        Encoded(ids[:5], [False, False, True, True, True]),
    ]
    ours, reference = perturbed(adapted()), perturbed(adapted())
    (sequence_log_probabilities(ours, pack(sequences)).sum() / len(ids)).backward()
    (torch.stack([plain(reference, one) for one in sequences]).sum() / len(ids)).backward()
    pairs = zip(ours.named_parameters(), reference.named_parameters(), strict=True)
    gradients = [(one.grad, other.grad) for (_, one), (_, other) in pairs if one.requires_grad]
    assert len(gradients) == 12
    assert all(torch.allclose(one, other, atol=1e-5, rtol=1e-4) for one, other in gradients)


def test_scores_come_in_the_order_given_with_their_tokens(
    adapted: Callable[..., Any], rows: Rows
) -> None:
    model = adapted().eval()
    sequences = [row[0] for row in rows]
    found = answer_log_probabilities(model, sequences, micro_tokens=400)
    with torch.no_grad():
        expected = [float(plain(model, sequence)) for sequence in sequences]
    assert [total for total, _ in found] == pytest.approx(expected, abs=1e-4)
    assert [tokens for _, tokens in found] == [sequence.answer_tokens for sequence in sequences]
