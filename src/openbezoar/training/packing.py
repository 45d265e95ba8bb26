"""Packs rows into micro-batches without padding; what the sequences of a row share is laid once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from openbezoar.training.format import Encoded

if TYPE_CHECKING:
    import torch

__all__ = ["Packed", "Row", "Segment", "group", "pack", "shared_tokens", "tokens_of"]

Row = tuple[Encoded, ...]


class Segment(NamedTuple):
    """Tokens start..stop see the tokens of a prefix, and one another causally; nothing else."""

    start: int
    stop: int
    prefix_start: int
    prefix_stop: int

    @property
    def queries(self) -> int:
        """How many tokens look."""
        return self.stop - self.start

    @property
    def keys(self) -> int:
        """How many tokens the last of them sees."""
        return self.queries + self.prefix_stop - self.prefix_start


@dataclass(frozen=True)
class Packed:
    """Rows laid end to end, each as `prefix | rest of one sequence | rest of the next`."""

    ids: "torch.Tensor"
    """Shape (1, tokens)."""
    positions: "torch.Tensor"
    """Shape (1, tokens): the place of each token in its own sequence."""
    segments: tuple[Segment, ...]
    """They divide the tokens, in order."""
    predicts: "torch.Tensor"
    """Indices of the tokens whose successor is supervised, shape (answer tokens,)."""
    targets: "torch.Tensor"
    """The ids that follow them, shape (answer tokens,)."""
    owners: "torch.Tensor"
    """The sequence each of them belongs to, shape (answer tokens,)."""
    sequences: tuple[Encoded, ...]
    """What was packed, row after row."""


def shared_tokens(row: Row) -> int:
    """How many first tokens all sequences of a row have in common, none of them supervised."""
    if len(row) == 1:
        return 0
    shortest = min(len(sequence.ids) for sequence in row)
    for at in range(shortest):
        if any(s.supervised[at] or s.ids[at] != row[0].ids[at] for s in row):
            return at
    return shortest


def tokens_of(row: Row) -> int:
    """How many tokens of a row are computed."""
    return sum(len(sequence.ids) for sequence in row) - (len(row) - 1) * shared_tokens(row)


def group(rows: Sequence[Row], budget: int) -> list[list[int]]:
    """Divide rows into micro-batches of at most `budget` tokens, longest first, first fit.

    A row's sequences stay together; a row longer than the budget gets a micro-batch of its own.
    Returns indices into `rows`.
    """
    lengths = [tokens_of(row) for row in rows]
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


def pack(rows: Sequence[Row], device: str = "cpu") -> Packed:
    """Lay the rows end to end."""
    import torch

    laid = _Laid([], [], [], [], [], [], [])
    for row in rows:
        _lay(row, laid)

    def tensor(values: list[int]) -> "torch.Tensor":
        return torch.tensor(values, dtype=torch.long, device=device)

    return Packed(
        ids=tensor(laid.ids)[None],
        positions=tensor(laid.positions)[None],
        segments=tuple(laid.segments),
        predicts=tensor(laid.predicts),
        targets=tensor(laid.targets),
        owners=tensor(laid.owners),
        sequences=tuple(laid.sequences),
    )


class _Laid(NamedTuple):
    """The fields of `Packed` while they grow."""

    ids: list[int]
    positions: list[int]
    segments: list[Segment]
    predicts: list[int]
    targets: list[int]
    owners: list[int]
    sequences: list[Encoded]


def _lay(row: Row, laid: _Laid) -> None:
    shared, first = shared_tokens(row), len(laid.ids)
    for place, sequence in enumerate(row):
        skipped = shared if place else 0
        start = len(laid.ids)
        stop = start + len(sequence.ids) - skipped
        # the shared tokens of a later sequence lie where the first one put them
        at = [*range(first, first + skipped), *range(start, stop)]
        laid.ids.extend(sequence.ids[skipped:])
        laid.positions.extend(range(skipped, len(sequence.ids)))
        if stop > start:
            laid.segments.append(Segment(start, stop, first, first + skipped))
        learned = [number for number in range(1, len(at)) if sequence.supervised[number]]
        laid.predicts.extend(at[number - 1] for number in learned)
        laid.targets.extend(sequence.ids[number] for number in learned)
        laid.owners.extend([len(laid.sequences)] * len(learned))
        laid.sequences.append(sequence)
