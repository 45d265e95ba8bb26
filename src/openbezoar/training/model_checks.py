"""What must be true of a model before it is trained: packing changes nothing, all of it learns."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from openbezoar.families import Objective
from openbezoar.training.adapters import adapter_tensors, set_dropout
from openbezoar.training.checks import Fault
from openbezoar.training.logps import sequence_log_probabilities
from openbezoar.training.micro_batch import BOUNDS, packing_difference
from openbezoar.training.packing import Row, pack

__all__ = ["gradient_faults", "packing_faults"]


def packing_faults(model: Any, rows: Sequence[Row], where: str) -> Iterator[Fault]:
    """Packed log-probabilities must be those of transformers' own attention (P12).

    The model is one in float32; one that cannot be packed never is, and has no fault.
    """
    apart = packing_difference(model, rows)
    if not apart <= BOUNDS[torch.float32]:
        yield Fault(
            "packing",
            f"packed and single rows differ by {apart:.2g} nats a token",
            where,
            "its attention cannot be packed; choose another base model",
        )


def gradient_faults(
    model: Any, objective: Objective, rows: Sequence[Row], where: str
) -> Iterator[Fault]:
    """Every trainable parameter must be moved by the rows; the model is spoilt for training."""
    trainable = adapter_tensors(model)
    _unsettle(trainable.values())
    set_dropout(model, on=False)
    sequences = [sequence for row in rows for sequence in row]
    shape = (len(rows), len(rows[0]))
    found = sequence_log_probabilities(model, pack(rows, device=str(model.device)))
    policy = found.view(shape)
    tokens = torch.tensor([sequence.answer_tokens for sequence in sequences]).view(shape)
    reference = policy.detach() if objective.reference else None
    loss, _ = objective.loss(policy, reference, tokens.to(policy.device))
    loss.backward()
    still = [name for name, tensor in trainable.items() if not _moves(tensor)]
    if still:
        yield Fault(
            "gradient",
            f"{len(still)} of {len(trainable)} trainable parameters get no gradient, such as "
            f"{still[0]}",
            where,
            "take the layer out of lora.targets, or try another precision",
        )


@torch.no_grad()
def _unsettle(tensors: Any) -> None:
    """A new adapter's second factor is zero, and zero lets no gradient through to the first."""
    torch.manual_seed(0)
    for tensor in tensors:
        if not tensor.any():
            tensor.normal_(std=0.02)


def _moves(tensor: torch.Tensor) -> bool:
    return tensor.grad is not None and bool(tensor.grad.isfinite().all() and tensor.grad.any())
