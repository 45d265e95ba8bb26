"""An objective: what training minimises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from openbezoar.component import Component

if TYPE_CHECKING:
    import torch


class Objective(Component, ABC):
    """What training minimises, as a pure function of the answers' log-probabilities."""

    reads: ClassVar[frozenset[str]]
    """The kinds of row it learns from."""
    reference: ClassVar[bool] = False
    """Whether it compares with a reference: the model that training starts from."""
    ranked: ClassVar[frozenset[str]] = frozenset()
    """The sums that mean nothing while policy and reference are one, as until the first update."""
    answers: ClassVar[tuple[str, ...]] = ("",)
    """By what name each of a row's sequences goes, where there are several."""

    @abstractmethod
    def encode(self, row: Any, format_: Any, limit: int) -> tuple[Any, ...]:
        """The row's token sequences, each at most `limit` long; ParseError with a reason."""

    @abstractmethod
    def weight(self, tokens: Sequence[int]) -> int:
        """What a row counts in an optimiser step's mean, given its sequences' answer tokens."""

    @abstractmethod
    def loss(
        self, policy: "torch.Tensor", reference: "torch.Tensor | None", tokens: "torch.Tensor"
    ) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
        """The summed loss of some rows, and sums to report beside it.

        `policy` and `reference` are summed log-probabilities, float32 of shape (rows, sequences);
        `tokens` has the same shape and counts the answer tokens.
        """

    def first_loss(self) -> float | None:
        """The mean loss of rows on which policy and reference agree, as all do at the start."""
        return None
