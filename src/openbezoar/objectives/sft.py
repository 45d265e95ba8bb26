"""Supervised fine-tuning: the negative log-likelihood of the answers alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from openbezoar.families import Objective
from openbezoar.records import Example, Preference
from openbezoar.training.format import Encoded, Format

if TYPE_CHECKING:
    import torch

__all__ = ["SupervisedFineTuning"]


class SupervisedFineTuning(Objective):
    """Learns the last answer of a conversation, or the chosen answer of a pair, EOS included.

    The loss is averaged over the answer tokens of a whole optimiser step.
    """

    kind: Literal["sft"] = "sft"
    reads: ClassVar[frozenset[str]] = frozenset({"examples", "preferences"})

    def encode(self, row: Example | Preference, format_: Format, limit: int) -> tuple[Encoded, ...]:
        """One sequence a row."""
        if isinstance(row, Preference):
            return (format_.encode(row.prompt, row.chosen, limit),)
        return (format_.encode(row.messages[:-1], row.answer, limit),)

    def weight(self, tokens: Sequence[int]) -> int:
        """A row counts as many times as it has answer tokens."""
        return sum(tokens)

    def loss(
        self, policy: "torch.Tensor", reference: "torch.Tensor | None", tokens: "torch.Tensor"
    ) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
        """The sum over all answer tokens."""
        return -policy.sum(), {}
