"""The models that an adapter can be merged to, beside the one that was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openbezoar import memory
from openbezoar.families import Numbers
from openbezoar.stages.start import Start

if TYPE_CHECKING:
    from openbezoar.training.adapters import Precision
    from openbezoar.training.format import Encoded, Format
    from openbezoar.training.merging import Rule
    from openbezoar.training.parity import Parity

__all__ = ["Reference", "Trained", "better", "compared", "figures", "write"]

Reference = Any
"""What the trained model expects to come next, for each sequence."""


@dataclass(frozen=True)
class Trained:
    """A base with its adapter, and sequences to compare other models with it on."""

    start: Start
    precision: "Precision"
    device: str
    format: "Format"
    sequences: "list[Encoded]"


def write(
    trained: Trained, folder: Path, rules: "Sequence[Rule]", shard_bytes: int
) -> tuple[Numbers, Reference]:
    """Write the model of each rule into a folder named by it; what all of them have in common.

    The trained model is loaded once, for its weights and for what it expects.
    """
    from openbezoar.training.adapters import (
        Lora,
        attach_adapter,
        load_model,
        set_dropout,
        vocabulary,
    )
    from openbezoar.training.merging import write_merged, write_surroundings
    from openbezoar.training.parity import distributions

    start, tokenizer = trained.start, trained.format.tokenizer
    base = load_model(start.folder, trained.device, trained.precision)
    model = attach_adapter(base, Lora(), start.adapter)
    set_dropout(model, on=False)
    for rule in rules:
        (folder / rule).mkdir(parents=True)
        written = write_merged(start.folder, model, folder / rule, rule, shard_bytes)
        write_surroundings(start.folder, tokenizer, folder / rule)
    return {**written._asdict(), "vocabulary": vocabulary(start.folder)}, distributions(
        model, trained.sequences
    )


def compared(
    folder: Path, precision: "Precision", trained: Trained, reference: Reference
) -> "Parity":
    """How far the checkpoint in a folder, read in this precision, is from the trained model."""
    from openbezoar.training.adapters import load_model, set_dropout
    from openbezoar.training.parity import compare

    memory.release()
    # computed as training does: evaluation mode repacks 4-bit weights, for another kernel
    model = load_model(folder, trained.device, precision).train()
    set_dropout(model, on=False)
    return compare(model, reference, trained.sequences)


def better(found: "Mapping[Rule, Parity]") -> "Rule":
    """The rule of the model with the lower KL divergence; the original weights when equal."""
    return min(found, key=lambda rule: (found[rule].divergence, rule != "original"))


def figures(parity: "Parity") -> Numbers:
    """A parity as a manifest holds it."""
    return {
        "kl": parity.divergence,
        "agreement": parity.agreement,
        "tokens": parity.tokens,
        "nll_change": parity.nll - parity.reference_nll,
        "answer_tokens": parity.answer_tokens,
    }
