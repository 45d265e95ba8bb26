"""Log-probabilities of given tokens under an output layer, a few positions' logits at a time."""

from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

__all__ = ["token_log_probabilities"]

CHUNK = 256
"""Positions whose logits are held at a time: fewer give small products, more take memory."""
ROWS = 16
"""Positions of a chunk on a processor whose float32 logits are at work: its cache holds them."""


def token_log_probabilities(head: Any, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """log p(target | state) for each row of `states`: float32, (positions,).

    In a layer that is not trained, the gradient is worked out with the logits at hand and kept,
    one row of `states` for each position: logits are computed once. Otherwise they are computed
    again in the backward pass. Either way they are never held for more than a few positions.
    """
    if _is_frozen(head):
        return _Frozen.apply(states, head.weight, head.bias, targets)
    pieces = zip(states.split(CHUNK), targets.split(CHUNK), strict=True)
    return torch.cat([checkpoint(_chosen, head, *piece, use_reentrant=False) for piece in pieces])


def _is_frozen(head: Any) -> bool:
    # an adapter around the layer makes it another type, and then the layer itself must be asked
    return type(head) is torch.nn.Linear and not any(
        parameter.requires_grad for parameter in head.parameters()
    )


class _Frozen(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> torch.Tensor:
        states, weight, bias, targets = inputs
        found = torch.empty(len(states), dtype=torch.float32, device=states.device)
        slopes = torch.empty_like(states)
        for at in range(0, len(states), CHUNK):
            piece = slice(at, at + CHUNK)
            logits = torch.nn.functional.linear(states[piece], weight, bias)
            learns = ctx.needs_input_grad[0]
            rows = ROWS if logits.device.type == "cpu" else CHUNK
            parts = (whole.split(rows) for whole in (logits, targets[piece], found[piece]))
            for some, wanted, chosen in zip(*parts, strict=True):
                chosen.copy_(_to_slopes(some, wanted[:, None], learns))
            if learns:
                slopes[piece] = (logits @ weight).neg_()
        ctx.save_for_backward(slopes)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        (slopes,) = ctx.saved_tensors
        return (gradients[0][:, None] * slopes).to(slopes.dtype), None, None, None


def _to_slopes(logits: torch.Tensor, wanted: torch.Tensor, learns: bool) -> torch.Tensor:
    """log p(wanted); if it `learns`, logits become its slopes with their sign changed."""
    wide = logits.float()
    chosen = wide.gather(-1, wanted)
    most = wide.amax(-1, keepdim=True)
    odds = wide.sub_(most).exp_()
    total = odds.sum(-1, keepdim=True)
    chosen = chosen - most - total.log()
    if learns:
        # p - 1 at the target, exact even where p is nearly 1, and p elsewhere
        logits.copy_(odds.div_(total).scatter_(-1, wanted, chosen.expm1()))
    return chosen[:, 0]


def _chosen(head: Any, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return _gathered(head(states), targets[:, None])[:, 0]


def _gathered(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return logits.log_softmax(-1, dtype=torch.float32).gather(-1, wanted)
