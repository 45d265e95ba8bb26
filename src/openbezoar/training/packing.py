"""Packs token sequences into micro-batches without padding, each with its own positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openbezoar.training.format import Encoded

if TYPE_CHECKING:
    import torch

__all__ = ["Packed", "group", "pack"]

Row = tuple[Encoded, ...]


@dataclass(frozen=True)
class Packed:
    """Sequences laid end to end, as tensors of shape (1, tokens)."""

    ids: "torch.Tensor"
    positions: "torch.Tensor"
    """Restart at 0 for every sequence."""
    lengths: list[int]
    """How many tokens each sequence has, in order."""
    predicts: "torch.Tensor"
    """Indices of the tokens whose successor is supervised, shape (answer tokens,)."""
    targets: "torch.Tensor"
    """The ids that follow them, shape (answer tokens,)."""
    owners: "torch.Tensor"
    """The sequence each of them belongs to, shape (answer tokens,)."""
    sequences: int


def group(rows: Sequence[Row], budget: int) -> list[list[int]]:
    """Divide rows into micro-batches of at most `budget` tokens, longest first, first fit.

    A row's sequences stay together; a row longer than the budget gets a micro-batch of its own.
    Returns indices into `rows`.
    """
    lengths = [sum(len(sequence.ids) for sequence in row) for row in rows]
    bins: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: (-lengths[index], index)):
        fit = next((place for place, left in enumerate(room) if left >= lengths[index]), None)
        if fit is None:
            bins.append([index])
            room.append(budget - lengths[index])
        else:
            bins[fit].append(index)
            room[fit] -= lengths[index]
    return bins


def pack(sequences: Sequence[Encoded], device: str = "cpu") -> Packed:
    """Lay the sequences end to end."""
    import torch

    ids: list[int] = []
    positions: list[int] = []
    predicts: list[int] = []
    owners: list[int] = []
    for number, sequence in enumerate(sequences):
        start = len(ids)
        ids += sequence.ids
        positions += range(len(sequence.ids))
        learned = [at for at in range(1, len(sequence.ids)) if sequence.supervised[at]]
        predicts += [start + at - 1 for at in learned]
        owners += [number] * len(learned)

    def tensor(values: list[int]) -> "torch.Tensor":
        return torch.tensor(values, dtype=torch.long, device=device)

    return Packed(
        ids=tensor(ids)[None],
        positions=tensor(positions)[None],
        lengths=[len(sequence.ids) for sequence in sequences],
        predicts=tensor(predicts),
        targets=tensor([ids[at + 1] for at in predicts]),
        owners=tensor(owners),
        sequences=len(sequences),
    )
