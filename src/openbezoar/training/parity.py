"""How far a model is from another one on the same tokens."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from openbezoar.training.format import Encoded

__all__ = ["Parity", "compare", "distributions"]


class Parity(NamedTuple):
    """The distance of a model from a reference."""

    divergence: float
    """Mean KL(reference || model) a token, in nats, over all positions."""
    agreement: float
    """The share of positions where both would choose the same next token."""
    tokens: int
    nll: float
    """The model's mean negative log-likelihood an answer token, EOS included, in nats."""
    reference_nll: float
    answer_tokens: int


@torch.no_grad()
def distributions(model: Any, sequences: Sequence[Encoded]) -> list[torch.Tensor]:
    """The log-probabilities of every next token: float32 on the CPU, (tokens, vocabulary) each.

    They outlive the model, so that two models need not be in memory together.
    """
    return [_distribution(model, sequence) for sequence in sequences]


@torch.no_grad()
def compare(model: Any, reference: Sequence[torch.Tensor], sequences: Sequence[Encoded]) -> Parity:
    """Compare a model with the distributions that a reference gave for the same sequences."""
    divergence = agreement = 0.0
    nll = reference_nll = 0.0
    for sequence, theirs in zip(sequences, reference, strict=True):
        ours = _distribution(model, sequence)
        divergence += float((theirs.exp() * (theirs - ours)).sum())
        agreement += float((ours.argmax(-1) == theirs.argmax(-1)).sum())
        nll += _surprise(ours, sequence)
        reference_nll += _surprise(theirs, sequence)
    tokens = sum(len(sequence.ids) for sequence in sequences)
    answers = sum(sequence.answer_tokens for sequence in sequences)
    return Parity(
        divergence / tokens, agreement / tokens, tokens, nll / answers, reference_nll / answers,
        answers,
    )  # fmt: skip


def _distribution(model: Any, sequence: Encoded) -> torch.Tensor:
    ids = torch.tensor([sequence.ids], device=model.device)
    found: torch.Tensor = model(input_ids=ids).logits[0].float().log_softmax(-1).cpu()
    return found


def _surprise(distribution: torch.Tensor, sequence: Encoded) -> float:
    """The summed negative log-likelihood of the supervised tokens."""
    learned = torch.tensor(sequence.supervised[1:])
    chosen = distribution[:-1].gather(-1, torch.tensor(sequence.ids[1:])[:, None])[:, 0]
    return -float(chosen[learned].sum())
