"""Direct Preference Optimization (arXiv 2305.18290) and its relatives."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, PositiveInt

from openbezoar.families import Objective
from openbezoar.objectives.losses import LOSSES, Variant, margins, per_token
from openbezoar.records import Preference
from openbezoar.training.cutting import encode_pair
from openbezoar.training.format import Encoded, Format

if TYPE_CHECKING:
    import torch

__all__ = ["DirectPreferenceOptimization"]

SATURATED = 5.0
"""The reward margin from which the sigmoid loss has less than 1 % of its first gradient left."""


class DirectPreferenceOptimization(Objective):
    """Raises the chosen answer over the rejected one, relative to the model it starts from.

    The reference is that model, which is the policy with its new adapter switched off, or a second,
    frozen model where all weights are trained. A pair too long loses its earliest turns, the same
    of both sides, then the ends of its answers.
    """

    kind: Literal["dpo"] = "dpo"
    reads: ClassVar[frozenset[str]] = frozenset({"preferences"})
    reference: ClassVar[bool] = True
    ranked: ClassVar[frozenset[str]] = frozenset({"accuracy"})
    answers: ClassVar[tuple[str, ...]] = ("chosen", "rejected")
    variant: Variant = "sigmoid"
    """sigmoid: DPO. ipo: a squared distance to a finite margin. With `_per_token`, log-ratios are
    means over an answer's tokens in place of sums."""
    beta: float = Field(default=0.1, gt=0)
    """How strongly the model is held to the reference; 0.1 in the examples of the authors' code."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """The share of pairs believed to be labelled the wrong way round; 0 in the authors' code."""
    max_prompt_tokens: PositiveInt | None = None
    """A prompt may have so many tokens when a pair must be cut to `optimisation.max_tokens`; half
    of that where it is not given, as 256 of 512 in the authors' code."""

    def encode(self, row: Preference, format_: Format, limit: int) -> tuple[Encoded, ...]:
        """The chosen sequence and the rejected one, which begin with the same prompt."""
        return encode_pair(row, format_, limit, self.max_prompt_tokens)

    def weight(self, tokens: Sequence[int]) -> int:
        """Every pair counts once."""
        return 1

    def first_loss(self) -> float:
        """The loss of a pair with no margin: ln 2, or 1 / (2 beta)^2 for ipo."""
        import torch

        loss = LOSSES[self.variant](
            torch.zeros(1, 2), torch.ones(1, 2), self.beta, self.label_smoothing
        )
        return float(loss)

    def loss(
        self, policy: "torch.Tensor", reference: "torch.Tensor | None", tokens: "torch.Tensor"
    ) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
        """The variant's loss, summed over pairs, and the sums that tell a healthy run."""
        assert reference is not None  # noqa: S101 - the loop gives one, as `reference` asks
        ratios = policy - reference
        loss = LOSSES[self.variant](ratios, tokens, self.beta, self.label_smoothing)
        return loss.sum(), self._signs(policy.detach(), ratios.detach(), tokens)

    def _signs(
        self, policy: "torch.Tensor", ratios: "torch.Tensor", tokens: "torch.Tensor"
    ) -> "dict[str, torch.Tensor]":
        """What training/health.py reads; every one is a sum over pairs.

        A pair without a margin is not ranked right, in `accuracy` as in TRL's and in that of the
        evaluation `preferences`.
        """
        is_mean = self.variant.endswith("_per_token")
        rewards = self.beta * (per_token(ratios, tokens) if is_mean else ratios)
        margin = margins(rewards)
        longer = (tokens[:, 0] - tokens[:, 1]).sign()
        return {
            "reward_chosen": rewards[:, 0].sum(),
            "reward_rejected": rewards[:, 1].sum(),
            "margin": margin.sum(),
            "accuracy": (margin > 0).float().sum(),
            "saturated": (margin >= SATURATED).float().sum(),
            "log_probability_chosen": policy[:, 0].sum(),
            "log_probability_rejected": policy[:, 1].sum(),
            "log_ratio_chosen": ratios[:, 0].sum(),
            "kl": -ratios.mean(dim=1).sum(),
            "answer_tokens_chosen": tokens[:, 0].float().sum(),
            "answer_tokens_rejected": tokens[:, 1].float().sum(),
            "longer_chosen": longer.sum(),
            # a margin near 0 prefers nothing: 2 s(m) - 1 grows to 1 as the model gets sure
            "longer_preferred": (longer * (margin / 2).tanh()).sum(),
        }
