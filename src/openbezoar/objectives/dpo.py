"""Direct Preference Optimization (arXiv 2305.18290, equation 7)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from openbezoar.errors import ParseError
from openbezoar.families import Objective
from openbezoar.records import Preference
from openbezoar.training.format import Encoded, Format

if TYPE_CHECKING:
    import torch

__all__ = ["DirectPreferenceOptimization"]


class DirectPreferenceOptimization(Objective):
    """Raises the chosen answer over the rejected one, relative to the model it starts from."""

    kind: Literal["dpo"] = "dpo"
    reads: ClassVar[frozenset[str]] = frozenset({"preferences"})
    reference: ClassVar[bool] = True
    beta: float = Field(default=0.1, gt=0)
    """How strongly the model is held to the reference; 0.1 in the examples of the authors' code."""

    def encode(self, row: Preference, format_: Format, limit: int) -> tuple[Encoded, ...]:
        """The chosen sequence and the rejected one, after one and the same prompt."""
        answers = (row.chosen, row.rejected)
        chosen, rejected = format_.encode_answers(row.prompt, answers, limit)
        if chosen.ids == rejected.ids:
            raise ParseError("answers are the same tokens")
        return chosen, rejected

    def weight(self, tokens: Sequence[int]) -> int:
        """Every pair counts once."""
        return 1

    def loss(
        self, policy: "torch.Tensor", reference: "torch.Tensor | None", tokens: "torch.Tensor"
    ) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
        """-log sigmoid of the difference of the two implicit rewards, summed over pairs."""
        from torch.nn.functional import logsigmoid

        assert reference is not None  # noqa: S101 - the loop gives one, as `reference` asks
        rewards = self.beta * (policy - reference)
        margins = rewards[:, 0] - rewards[:, 1]
        return -logsigmoid(margins).sum(), {
            "reward_chosen": rewards[:, 0].detach().sum(),
            "reward_rejected": rewards[:, 1].detach().sum(),
            "margin": margins.detach().sum(),
            "accuracy": (margins.detach() > 0).float().sum(),
            "log_probability_chosen": policy[:, 0].detach().sum(),
        }
