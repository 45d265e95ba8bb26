"""The train stage: an adapter learns one data set under one objective."""

import importlib.util
import itertools
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import JsonValue

from openbezoar.component import OneOf
from openbezoar.errors import ConfigError, DataError, MissingExtra, ParseError
from openbezoar.families import Bench, ModelSpec, Numbers, Objective, Stage, expect, random_for
from openbezoar.records import ROWS, Row
from openbezoar.stages.start import Start, find_start
from openbezoar.training.adapters import Lora, Precision
from openbezoar.training.health import alarms
from openbezoar.training.renderings import Rendering
from openbezoar.training.settings import GPU_ONLY, Optimisation, TrainingRuntime, check_optimiser

if TYPE_CHECKING:
    from openbezoar.training.format import Encoded, Format

__all__ = ["TrainStage"]


class TrainStage(Stage):
    """Trains a LoRA adapter, a new one or the one of the train stage it starts from."""

    kind: Literal["train"] = "train"
    version: ClassVar[int] = 1
    start: str
    """A checkpoint among the models, a merge stage, or a train stage to carry the adapter from."""
    data: str
    """The mix stage to learn from."""
    objective: Annotated[Objective, OneOf("openbezoar.objectives")]
    rendering: Rendering = "openbezoar"
    """How a conversation is written down: openbezoar, as on the model cards; raw, the text of
    HH-RLHF; context, the conversation as the context of one turn. The model keeps it."""
    precision: Precision = "nf4"
    """The frozen weights: nf4 (with double quantisation, as QLoRA), bfloat16 or float32."""
    lora: Lora = Lora()
    optimisation: Optimisation = Optimisation()
    runtime: TrainingRuntime = TrainingRuntime()

    def reads(self) -> tuple[str, ...]:
        """The start point and the data."""
        return (self.start, self.data)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """An adapter."""
        held = expect(self.start, kinds, "checkpoint", "model", "adapter")
        expect(self.data, kinds, *(f"{row} data set" for row in sorted(self.objective.reads)))
        if self.objective.reference and held == "adapter":
            raise ConfigError(
                f"starts from the adapter of {self.start!r}; its reference is the model with the "
                "adapter switched off, so merge that adapter first and start from the merge stage"
            )
        return "adapter"

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """A model it starts from must be a checkpoint."""
        if self.start in specs and not specs[self.start].trains:
            raise ConfigError(f"model {self.start!r} has no weights here to start from")

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Torch must be installed, and the optimiser must run on this machine."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("stages of kind train need torch; pip install 'openbezoar[train]'")
        if self.optimisation.optimiser in GPU_ONLY:
            from openbezoar.training.adapters import device_for

            check_optimiser(self.optimisation.optimiser, device_for(self.runtime.device))

    def make(self, bench: Bench) -> Numbers:
        """Write `adapter/` and `metrics.jsonl`."""
        from openbezoar.training.adapters import (
            attach_adapter,
            device_for,
            load_model,
            save_adapter,
        )
        from openbezoar.training.format import Format
        from openbezoar.training.loop import Course, train

        start = find_start(self.start, bench)
        format_ = Format.for_training(start.folder, self.rendering)
        left_out: Counter[str] = Counter()
        course = Course(
            objective=self.objective,
            settings=self.optimisation,
            runtime=self.runtime,
            seed=bench.seed,
            train=self._encoded(bench, "train", format_, left_out),
            valid=self._encoded(bench, "valid", format_, left_out),
            scratch=bench.scratch,
            say=bench.say,
            format=format_.fingerprint,
        )
        if not course.train:
            raise DataError(
                f"stage {bench.stage}: no row can be trained on ({dict(left_out)}); "
                "raise optimisation.max_tokens or look at the data"
            )
        self._refuse_other_adapter(start)
        base = load_model(start.folder, device_for(self.runtime.device), self.precision)
        seed = random_for(bench.seed, bench.stage, "adapter").getrandbits(63)
        model = attach_adapter(base, self.lora, start.adapter, seed)
        progress = train(model, course)
        save_adapter(model, format_.tokenizer, bench.folder / "adapter")
        _write_metrics(bench.folder / "metrics.jsonl", progress.metrics)
        numbers = self._numbers(course, progress, dict(left_out), format_) | {"base": start.base}
        return numbers | {"reference": start.base} if self.objective.reference else numbers

    def _refuse_other_adapter(self, start: Start) -> None:
        if start.adapter is None:
            return
        config = json.loads((start.adapter / "adapter_config.json").read_text(encoding="utf-8"))
        carried = Lora(
            r=config["r"],
            alpha=config["lora_alpha"],
            dropout=config["lora_dropout"],
            targets=tuple(sorted(config["target_modules"])),
        )
        if carried != self.lora.model_copy(update={"targets": tuple(sorted(self.lora.targets))}):
            raise ConfigError(
                f"lora: the adapter carried from {self.start!r} has other settings than this stage "
                f"({carried}); make them equal or merge between"
            )

    def _encoded(
        self, bench: Bench, part: str, format_: "Format", left_out: Counter[str]
    ) -> list[tuple["Encoded", ...]]:
        data = bench.inputs[self.data]
        record = ROWS[data.manifest.makes.removesuffix(" data set")]
        encoded = []
        for row in data.rows(record, f"{part}.jsonl"):
            try:
                encoded.append(self._encode(row, format_))
            except ParseError as error:
                left_out[f"{part}: {error.reason}"] += 1
        return encoded

    def _encode(self, row: Row, format_: "Format") -> tuple["Encoded", ...]:
        encoded: tuple[Encoded, ...] = self.objective.encode(
            row, format_, self.optimisation.max_tokens
        )
        return encoded

    def _numbers(
        self, course: Any, progress: Any, left_out: dict[str, int], format_: "Format"
    ) -> Numbers:
        metrics = progress.metrics
        numbers: Numbers = {
            "rows": len(course.train),
            "validation_rows": len(course.valid),
            "left_out": dict(left_out),
            "cut": _cut(course),
            "alarms": [alarm.text for alarm in alarms(metrics, self.runtime.health)],
            "steps": progress.step,
            "tokens": progress.tokens,
            "answer_tokens": self.optimisation.epochs
            * sum(sequence.answer_tokens for sequence in itertools.chain(*course.train)),
            "first_loss": metrics[1]["loss"],
            "last_loss": metrics[-1]["loss"],
            "format": format_.fingerprint,
        }
        for name in ("loss", "accuracy", "margin"):
            if f"valid_{name}" in metrics[0]:
                numbers[f"validation_{name}_before"] = metrics[0][f"valid_{name}"]
                numbers[f"validation_{name}_after"] = metrics[-1][f"valid_{name}"]
        return numbers


def _cut(course: Any) -> dict[str, JsonValue]:
    """Rows of which the prompt, and rows of which an answer, was shortened to make them fit."""
    counts: Counter[str] = Counter()
    for part, rows in (("train", course.train), ("valid", course.valid)):
        for row in rows:
            counts.update({f"{part}: {what}" for sequence in row for what in sequence.cut})
    return {**counts}


def _write_metrics(path: Path, metrics: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in metrics)
