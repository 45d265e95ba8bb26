"""Log-probabilities of answers, packed, with logits computed only where something is predicted."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from openbezoar.training.attention import use_segments
from openbezoar.training.format import Encoded
from openbezoar.training.head import token_log_probabilities
from openbezoar.training.packing import Packed, Row, group, pack

__all__ = [
    "answer_log_probabilities",
    "lone_log_probabilities",
    "row_log_probabilities",
    "sequence_log_probabilities",
]


def sequence_log_probabilities(model: Any, packed: Packed) -> torch.Tensor:
    """The summed log-probability of each sequence's supervised tokens: float32, (sequences,).

    A model whose attention cannot be packed is given one sequence at a time.
    """
    base = _base(model)
    if not use_segments(base):
        return lone_log_probabilities(model, packed.sequences)
    hidden = base.get_decoder()(
        input_ids=packed.ids,
        position_ids=packed.positions,
        segments=packed.segments,
        use_cache=False,
    ).last_hidden_state
    states = hidden[0].index_select(0, packed.predicts)
    found = token_log_probabilities(base.get_output_embeddings(), states, packed.targets)
    totals = torch.zeros(len(packed.sequences), dtype=torch.float32, device=found.device)
    return totals.index_add(0, packed.owners, found)


def lone_log_probabilities(model: Any, sequences: Sequence[Encoded]) -> torch.Tensor:
    """The same from one plain forward pass a sequence, with all its logits."""
    return torch.stack([_lone(_base(model), sequence) for sequence in sequences])


def answer_log_probabilities(
    model: Any, sequences: Sequence[Encoded], micro_tokens: int = 1024
) -> list[tuple[float, int]]:
    """Each sequence's summed log-probability and its number of answer tokens, in order.

    The model is used as it is: switch its dropout off before.
    """
    rows = [(sequence,) for sequence in sequences]
    return [found for (found,) in row_log_probabilities(model, rows, micro_tokens)]


@torch.no_grad()
def row_log_probabilities(
    model: Any,
    rows: Sequence[Row],
    micro_tokens: int = 1024,
    between: Callable[[], object] = lambda: None,
) -> list[list[tuple[float, int]]]:
    """The same for the sequences of each row, whose common beginning is computed once.

    What is called `between` two micro-batches may raise, and so stop the work.
    """
    found: list[list[tuple[float, int]]] = [[] for _ in rows]
    for bin_ in group(rows, micro_tokens):
        between()
        packed = pack([rows[index] for index in bin_], device=str(model.device))
        sums = iter(sequence_log_probabilities(model, packed).tolist())
        for index in bin_:
            found[index] = [(next(sums), sequence.answer_tokens) for sequence in rows[index]]
    return found


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _lone(base: Any, sequence: Encoded) -> torch.Tensor:
    ids = torch.tensor([sequence.ids], device=base.device)
    logits = base(input_ids=ids, use_cache=False).logits[0, :-1].float()
    learned = torch.tensor(sequence.supervised[1:], device=base.device)
    chosen = logits[learned].log_softmax(-1).gather(-1, ids[0, 1:][learned][:, None])
    return chosen.sum()
