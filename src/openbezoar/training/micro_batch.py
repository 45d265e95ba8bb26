"""One micro-batch: rows packed, both sides' log-probabilities, an objective's loss."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from openbezoar.errors import ModelError
from openbezoar.families import Objective
from openbezoar.training.adapters import set_dropout
from openbezoar.training.attention import plain_attention, use_segments
from openbezoar.training.logps import lone_log_probabilities, sequence_log_probabilities
from openbezoar.training.packing import Row, pack, tokens_of
from openbezoar.training.reference import Reference, reference_log_probabilities

__all__ = ["BOUNDS", "check_packing", "micro_batch", "packing_difference"]

BOUNDS = {torch.float32: 1e-4, torch.bfloat16: 0.05}
"""By how much a token's log-probability may differ, packed or alone: rounding, never a neighbour.
Measured on SmolLM2-135M: 1e-6 in float32; in bfloat16 up to 0.01, between PyTorch's kernels too."""


def micro_batch(
    model: Any, objective: Objective, rows: Sequence[Row], known: Reference | None = None
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The objective's loss and figures, summed over the rows.

    The reference is the same model with its adapter switched off (or what stands in for that, see
    `Whole`), without dropout, computed from the same packed tokens unless it is `known`.
    """
    packed = pack(rows, device=str(model.device))
    shape = (len(rows), len(rows[0]))
    reference = None
    if objective.reference:

        def compute() -> torch.Tensor:
            return reference_log_probabilities(model, packed).view(shape)

        reference = known.fetch(rows, compute).to(model.device) if known else compute()
        set_dropout(model, on=torch.is_grad_enabled())
    policy = sequence_log_probabilities(model, packed).view(shape)
    tokens = torch.tensor([sequence.answer_tokens for sequence in packed.sequences]).view(shape)
    return objective.loss(policy, reference, tokens.to(policy.device))


def check_packing(model: Any, rows: Sequence[Row], say: Callable[[str], None]) -> None:
    """Compare a few rows packed with their sequences alone, in transformers' own attention.

    ModelError when they differ; a sentence to `say` when the model cannot be packed at all.
    """
    base = model.get_base_model()
    if not use_segments(base):
        say(f"{type(base).__name__} cannot be packed: sequences are computed one at a time")
        return
    by_length = sorted(rows, key=tokens_of)
    difference = packing_difference(model, [*by_length[:2], by_length[len(rows) // 2]])
    if not difference <= BOUNDS[base.dtype]:
        raise ModelError(
            f"{type(base).__name__}: packed, a token's log-probability differs by {difference:.2g} "
            "from that of its sequence alone; this model cannot be trained here: choose another"
        )


@torch.no_grad()
def packing_difference(model: Any, rows: Sequence[Row]) -> float:
    """By how much a token's log-probability differs, packed or in its sequence alone."""
    packed = pack(rows, device=str(model.device))
    set_dropout(model, on=False)
    together = sequence_log_probabilities(model, packed)
    with plain_attention(model.get_base_model()):
        alone = lone_log_probabilities(model, packed.sequences)
    tokens = sum(sequence.answer_tokens for sequence in packed.sequences)
    return float((together - alone).abs().sum()) / tokens
