"""The merge stage: an adapter becomes part of its base, as a checkpoint anyone can load."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import NonNegativeInt

from openbezoar.families import Bench, Numbers, Stage, expect
from openbezoar.records import ROWS, Example, Preference
from openbezoar.stages.start import Start, find_start

__all__ = ["MergeStage"]


class MergeStage(Stage):
    """Adds the adapter to the base's original weights and writes bfloat16 safetensors.

    The paper's authors merged onto the 16-bit base too (their export script). The adapter was
    trained against the quantised base, so the manifest says how far the two models are apart.
    """

    kind: Literal["merge"] = "merge"
    adapter: str
    """The train stage whose adapter is merged."""
    parity_rows: NonNegativeInt = 8
    """Validation rows on which merged and adapted model are compared."""

    def reads(self) -> tuple[str, ...]:
        """The adapter."""
        return (self.adapter,)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """A model."""
        expect(self.adapter, kinds, "adapter")
        return "model"

    def make(self, bench: Bench) -> Numbers:
        """Write `model/`."""
        from openbezoar.training.adapters import merge_adapter, save_model
        from openbezoar.training.checks import format_faults, refuse
        from openbezoar.training.format import Format

        start = find_start(self.adapter, bench)
        assert start.adapter is not None  # noqa: S101 - `makes` only lets a train stage in
        format_ = Format.load(start.adapter)
        refuse([*format_faults(format_, start.format, str(start.adapter))])
        merged = merge_adapter(start.folder, start.adapter)
        save_model(merged, format_.tokenizer, bench.folder / "model")
        return {
            "parameters": sum(parameter.numel() for parameter in merged.parameters()),
            "format": format_.fingerprint,
            **self._parity(bench, start, merged, format_),
        }

    def _parity(self, bench: Bench, start: Start, merged: Any, format_: Any) -> Numbers:
        """Mean KL divergence (nats a token) and greedy agreement with the model as trained."""
        from openbezoar.training.adapters import Lora, attach_adapter, load_model, set_dropout
        from openbezoar.training.parity import compare

        stage = bench.inputs[self.adapter].manifest.science
        settings = stage["settings"] if isinstance(stage, dict) else {}
        assert isinstance(settings, dict)  # noqa: S101 - the runner wrote it
        data = bench.find(bench.inputs[self.adapter].manifest.inputs[str(settings["data"])])
        record = ROWS[data.manifest.makes.removesuffix(" data set")]
        rows = [
            row
            for row, _ in zip(
                data.rows(record, "valid.jsonl"), range(self.parity_rows), strict=False
            )
        ]
        prompts = [_ids(row, format_) for row in rows]
        if not prompts:
            return {}
        precision: Any = settings["precision"]
        adapted = attach_adapter(
            load_model(start.folder, precision=precision), Lora(), start.adapter
        )
        set_dropout(adapted, on=False)
        found = compare(merged, adapted, prompts)
        return {
            "parity": {"kl": found.divergence, "agreement": found.agreement, "tokens": found.tokens}
        }


def _ids(row: Any, format_: Any) -> list[int]:
    limit = 512
    if isinstance(row, Preference):
        return list(format_.encode(row.prompt, row.chosen, 1 << 30).ids[:limit])
    assert isinstance(row, Example)  # noqa: S101 - a data set holds one or the other
    return list(format_.encode(row.messages[:-1], row.answer, 1 << 30).ids[:limit])
