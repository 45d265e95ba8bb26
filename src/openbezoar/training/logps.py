"""Log-probabilities of answers, with logits computed only where something is predicted."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from openbezoar.training.attention import use_segments
from openbezoar.training.format import Encoded
from openbezoar.training.packing import Packed, group, pack

__all__ = ["answer_log_probabilities", "sequence_log_probabilities"]

CHUNK = 512
"""Predicting positions whose logits are held at a time: 512 * 49,152 float32 is 100 MB."""


def sequence_log_probabilities(model: Any, packed: Packed) -> torch.Tensor:
    """The summed log-probability of each sequence's supervised tokens: float32, (sequences,)."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    use_segments(base)
    hidden = base.get_decoder()(
        input_ids=packed.ids,
        position_ids=packed.positions,
        segments=packed.lengths,
        use_cache=False,
    ).last_hidden_state
    states = hidden[0].index_select(0, packed.predicts)
    head = base.get_output_embeddings()
    totals = torch.zeros(packed.sequences, dtype=torch.float32, device=states.device)
    for at in range(0, len(packed.predicts), CHUNK):
        piece = slice(at, at + CHUNK)
        chunk = _token_log_probabilities(head, states[piece], packed.targets[piece])
        totals = totals.index_add(0, packed.owners[piece], chunk)
    return totals


@torch.no_grad()
def answer_log_probabilities(
    model: Any, sequences: Sequence[Encoded], micro_tokens: int = 1024
) -> list[tuple[float, int]]:
    """Each sequence's summed log-probability and its number of answer tokens, in order.

    The model is used as it is: switch its dropout off before.
    """
    found: list[tuple[float, int]] = [(0.0, 0)] * len(sequences)
    for bin_ in group([(sequence,) for sequence in sequences], micro_tokens):
        packed = pack([sequences[index] for index in bin_], device=str(model.device))
        sums = sequence_log_probabilities(model, packed).tolist()
        for index, total in zip(bin_, sums, strict=True):
            found[index] = (total, sequences[index].answer_tokens)
    return found


def _token_log_probabilities(
    head: Any, states: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    if not torch.is_grad_enabled():
        return _select(head, states, targets)
    # recomputing a chunk's logits in the backward pass keeps one chunk in memory, not all of them
    return checkpoint(_select, head, states, targets, use_reentrant=False)


def _select(head: Any, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits = head(states).float()
    return logits.gather(-1, targets[:, None])[:, 0] - logits.logsumexp(-1)
