"""What the reference, the model without its adapter, finds of each row; computed once."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object

from openbezoar.training.adapters import adapter_tensors, set_dropout
from openbezoar.training.logps import sequence_log_probabilities
from openbezoar.training.packing import Packed, Row

__all__ = ["Reference", "fingerprint", "reference_log_probabilities", "row_print"]


class Reference:
    """Remembers the log-probabilities of rows on disk, so that each row is computed once.

    The file's name says everything that may change them (see `fingerprint`); within it a row is
    known by its tokens, so that another template, tokenizer or limit is another row. An answer is
    the very float32 that was computed, also after an interruption. Of several processes one writes.
    """

    def __init__(self, folder: Path, print_: str, writes: bool = True) -> None:
        self._path = folder / f"reference-{print_}.jsonl"
        self._writes = writes
        self._known = dict(_read(self._path))
        self._new: dict[str, list[float]] = {}

    def fetch(self, rows: Sequence[Row], compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The log-probabilities, shape (rows, sequences); computed unless all of them are known."""
        prints = [row_print(row) for row in rows]
        if all(print_ in self._known for print_ in prints):
            return torch.tensor([self._known[print_] for print_ in prints])
        found = compute()
        self._new |= dict(zip(prints, found.tolist(), strict=True))
        return found

    def share(self) -> None:
        """Let every process know what one of them computed, and keep it; all of them must call."""
        lines = []
        for theirs in gather_object([self._new]):
            for print_, values in theirs.items():
                # what was computed first stays, or a resumed run would not repeat itself
                if print_ not in self._known:
                    self._known[print_] = values
                    lines.append(json.dumps([print_, values]))
        self._new = {}
        if lines and self._writes:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                # the break comes first: half a line of a killed process spoils none after it
                file.writelines(f"\n{line}" for line in lines)


@torch.no_grad()
def reference_log_probabilities(model: Any, packed: Packed) -> torch.Tensor:
    """What the model finds for each sequence without its adapter and without dropout."""
    set_dropout(model, on=False)
    with model.disable_adapter():
        return sequence_log_probabilities(model, packed)


def fingerprint(model: Any, *settings: object) -> str:
    """Changes with the frozen weights, bit by bit, how they are quantised, and with the settings.

    The settings are what else may change a log-probability, such as the tokenizer's template and
    the limits. What is trained does not count: the reference is without it.
    """
    # by their place in memory: a tied weight has two names, and one of them is no parameter's
    trained = {tensor.data_ptr() for tensor in adapter_tensors(model).values()}
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(repr(getattr(model.config, "quantization_config", None)).encode())
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, torch.Tensor) and tensor.data_ptr() not in trained:
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().view(-1).view(torch.uint8).cpu().numpy())
    return digest.hexdigest()[:16]


def row_print(row: Row) -> str:
    """A row's tokens, and which of them count, as a digest."""
    content = [[sequence.ids, sequence.supervised] for sequence in row]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _read(path: Path) -> Iterator[tuple[str, list[float]]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            # the first line is empty, and a process that was killed may leave half of one
            if (found := _whole(line)) is not None:
                yield found


def _whole(line: str) -> tuple[str, list[float]] | None:
    try:
        print_, values = json.loads(line)
    except ValueError:
        return None
    return print_, values
