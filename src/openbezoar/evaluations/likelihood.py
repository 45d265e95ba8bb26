"""How likely a checkpoint finds given answers, in the format that its tokenizer carries."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import PositiveInt

from openbezoar import memory
from openbezoar.component import Runtime
from openbezoar.devices import Device
from openbezoar.errors import ParseError
from openbezoar.records import Message

if TYPE_CHECKING:
    from openbezoar.training.adapters import Precision
    from openbezoar.training.packing import Row

__all__ = ["Answer", "Likelihood", "LikelihoodRuntime", "likelihoods", "scored"]

Answer = tuple[Sequence[Message], str]
"""A conversation up to the question, and the answer to it."""


class LikelihoodRuntime(Runtime):
    """Where and how fast; never what comes out, beyond rounding."""

    device: Device = "auto"
    """`cpu`, `cuda`, `cuda:1`, `mps`, `xpu`, or `auto`: a CUDA GPU where there is one."""
    micro_tokens: PositiveInt = 1024
    """Tokens computed at a time: lower it when memory runs out."""


class Likelihood(NamedTuple):
    """An answer's summed log-probability (natural log, EOS included) and its tokens."""

    total: float
    tokens: int

    @property
    def per_token(self) -> float:
        """The mean over the answer's tokens."""
        return self.total / self.tokens


def likelihoods(
    folder: Path,
    answers: Sequence[Answer],
    max_tokens: int,
    precision: "Precision",
    runtime: LikelihoodRuntime,
    between: Callable[[], object] = lambda: None,
) -> list[Likelihood | ParseError]:
    """The likelihood of each answer in order, or why it has none."""
    from openbezoar.training.format import Encoded, Format

    format_ = Format.for_training(folder)

    def encoded(answer: Answer) -> Encoded | ParseError:
        try:
            return format_.encode(*answer, limit=max_tokens)
        except ParseError as error:
            return error

    rows = [encoded(answer) for answer in answers]
    usable = [row for row in rows if isinstance(row, Encoded)]
    found = iter(scored(folder, [(row,) for row in usable], precision, runtime, between))
    return [row if isinstance(row, ParseError) else next(found)[0] for row in rows]


def scored(
    folder: Path,
    rows: "Sequence[Row]",
    precision: "Precision",
    runtime: LikelihoodRuntime,
    between: Callable[[], object] = lambda: None,
) -> list[list[Likelihood]]:
    """The likelihoods that a checkpoint finds for the answers of each row, in order.

    What is called `between` micro-batches may raise, and so stop the work.
    """
    from openbezoar.training.adapters import device_for, load_model
    from openbezoar.training.logps import row_log_probabilities

    model = load_model(folder, device_for(runtime.device), precision)
    found = row_log_probabilities(model, rows, runtime.micro_tokens, between)
    del model
    memory.release()
    return [[Likelihood(*one) for one in row] for row in found]
