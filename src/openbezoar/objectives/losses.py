"""The losses of preference training, each a pure function of log-ratios.

A log-ratio is log p(answer) under the policy less that under the reference, summed over the
answer's tokens. `ratios` and `tokens` have shape (pairs, 2), the chosen answer first; what comes
back has shape (pairs,). `h` stands for the chosen ratio less the rejected one.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

__all__ = [
    "LOSSES",
    "Variant",
    "ipo",
    "ipo_per_token",
    "margins",
    "per_token",
    "sigmoid",
    "sigmoid_per_token",
]

Variant = Literal["sigmoid", "ipo", "sigmoid_per_token", "ipo_per_token"]


def margins(ratios: "torch.Tensor") -> "torch.Tensor":
    """h, by how much more the chosen answer rose than the rejected one."""
    return ratios[:, 0] - ratios[:, 1]


def per_token(ratios: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
    """Each log-ratio as a mean over its answer's tokens, so that length alone gains nothing."""
    return ratios / tokens


def sigmoid(
    ratios: "torch.Tensor", tokens: "torch.Tensor", beta: float, smoothing: float
) -> "torch.Tensor":
    """-(1 - e) log s(beta h) - e log s(-beta h): DPO (arXiv 2305.18290, equation 7) for e = 0.

    With a smoothing e it is conservative DPO, for labels that are wrong with probability e: the
    loss is least not at an endless margin but where s(beta h) = 1 - e.
    """
    from torch.nn.functional import logsigmoid

    rewards = beta * margins(ratios)
    return -(1 - smoothing) * logsigmoid(rewards) - smoothing * logsigmoid(-rewards)


def ipo(
    ratios: "torch.Tensor", tokens: "torch.Tensor", beta: float, smoothing: float
) -> "torch.Tensor":
    """(h - 1 / (2 beta))^2: IPO (arXiv 2310.12036, equation 17), which aims at a finite margin.

    With a smoothing e it is the mean over the label and its opposite, e being the latter's weight.
    """
    h, aim = margins(ratios), 1 / (2 * beta)
    return (1 - smoothing) * (h - aim) ** 2 + smoothing * (h + aim) ** 2


def sigmoid_per_token(
    ratios: "torch.Tensor", tokens: "torch.Tensor", beta: float, smoothing: float
) -> "torch.Tensor":
    """`sigmoid` of the means over tokens; beta must be larger, by about the length of an answer."""
    return sigmoid(per_token(ratios, tokens), tokens, beta, smoothing)


def ipo_per_token(
    ratios: "torch.Tensor", tokens: "torch.Tensor", beta: float, smoothing: float
) -> "torch.Tensor":
    """`ipo` of the means over tokens."""
    return ipo(per_token(ratios, tokens), tokens, beta, smoothing)


Loss = Callable[["torch.Tensor", "torch.Tensor", float, float], "torch.Tensor"]

LOSSES: dict[Variant, Loss] = {
    "sigmoid": sigmoid,
    "ipo": ipo,
    "sigmoid_per_token": sigmoid_per_token,
    "ipo_per_token": ipo_per_token,
}
