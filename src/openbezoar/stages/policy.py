"""The model that a train stage trains, one with an adapter or all of it, and what is left of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openbezoar.stages.start import MERGED, Start

if TYPE_CHECKING:
    from openbezoar.training.adapters import Lora, Precision
    from openbezoar.training.format import Format

__all__ = ["Opening", "save"]


@dataclass(frozen=True)
class Opening:
    """How the model is opened on a device; it can be sent to other processes."""

    start: Start
    precision: "Precision"
    lora: "Lora | None"
    """The adapter; without one all weights are trained."""
    has_reference: bool
    seed: int = 0

    def __call__(self, device: str) -> Any:
        """The model, ready to be trained."""
        from openbezoar.training.adapters import attach_adapter, load_model
        from openbezoar.training.whole import Whole

        model = load_model(self.start.folder, device, self.precision)
        if self.lora is not None:
            return attach_adapter(model, self.lora, self.start.adapter, self.seed)
        if not self.has_reference:
            return Whole(model)
        return Whole(model, load_model(self.start.folder, device, self.precision))


def save(model: Any, start: Start, format_: "Format", folder: Path) -> None:
    """Write `adapter/`, or `model/` where all weights were trained."""
    from openbezoar.training.adapters import save_adapter
    from openbezoar.training.whole import Whole, save_whole

    if isinstance(model, Whole):
        save_whole(start.folder, model, format_.tokenizer, folder / MERGED)
    else:
        save_adapter(model, format_.tokenizer, folder / "adapter")
