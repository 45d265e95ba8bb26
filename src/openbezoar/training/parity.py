"""How far two models are apart on the same tokens."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

__all__ = ["Parity", "compare"]


class Parity(NamedTuple):
    """The distance of a model from a reference, over all positions."""

    divergence: float
    """Mean KL(reference || model) a token, in nats."""
    agreement: float
    """The share of positions where both would choose the same next token."""
    tokens: int


@torch.no_grad()
def compare(model: Any, reference: Any, sequences: Sequence[Sequence[int]]) -> Parity:
    """Compare next-token distributions, in float32."""
    divergence = agreement = 0.0
    tokens = 0
    for sequence in sequences:
        ids = torch.tensor([list(sequence)])
        ours = model(input_ids=ids.to(model.device)).logits[0].float().log_softmax(-1).cpu()
        theirs = reference(input_ids=ids.to(reference.device)).logits[0].float().log_softmax(-1)
        theirs = theirs.cpu()
        divergence += float((theirs.exp() * (theirs - ours)).sum())
        agreement += float((ours.argmax(-1) == theirs.argmax(-1)).sum())
        tokens += len(sequence)
    return Parity(divergence / tokens, agreement / tokens, tokens)
