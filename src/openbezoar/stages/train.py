"""The train stage: an adapter learns one data set under one objective."""

import importlib.util
import itertools
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import JsonValue

from openbezoar.component import OneOf
from openbezoar.errors import ConfigError, DataError, MissingExtra
from openbezoar.families import Bench, ModelSpec, Numbers, Objective, Stage, expect, random_for
from openbezoar.stages.start import Start, find_start
from openbezoar.training.adapters import Lora, Precision
from openbezoar.training.settings import Optimisation, TrainingRuntime, check_machine

if TYPE_CHECKING:
    from openbezoar.training.encoding import EncodedRows
    from openbezoar.training.format import Format

__all__ = ["TrainStage"]


class TrainStage(Stage):
    """Trains a LoRA adapter, a new one or the one of the train stage it starts from."""

    kind: Literal["train"] = "train"
    version: ClassVar[int] = 2
    start: str
    """A checkpoint among the models, a merge stage, or a train stage to carry the adapter from."""
    data: str
    """The mix stage to learn from."""
    objective: Annotated[Objective, OneOf("openbezoar.objectives")]
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
        """Torch must be installed, and this machine must have what the settings ask for."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("stages of kind train need torch; pip install 'openbezoar[train]'")
        check_machine(self.optimisation, self.runtime)

    def make(self, bench: Bench) -> Numbers:
        """Write `adapter/` and `metrics.jsonl`."""
        from openbezoar.training.adapters import save_adapter
        from openbezoar.training.checks import refuse, training_faults
        from openbezoar.training.encoding import encode_data
        from openbezoar.training.format import Format
        from openbezoar.training.loop import Course
        from openbezoar.training.processes import train_from

        start = find_start(self.start, bench)
        format_ = Format.for_training(start.folder)
        data, limit = bench.inputs[self.data], self.optimisation.max_tokens
        parts = encode_data(data, self.objective, format_, limit)
        course = Course(
            objective=self.objective,
            settings=self.optimisation,
            runtime=self.runtime,
            seed=bench.seed,
            train=parts["train"].rows,
            valid=parts["valid"].rows,
            scratch=bench.scratch,
            say=bench.say,
            identity=bench.folder.name,
            names=parts["train"].ids,
            valid_names=parts["valid"].ids,
            logs=bench.folder.parent / "trackers" / bench.stage,
            progress=bench.progress,
        )
        if not course.train:
            raise DataError(
                f"stage {bench.stage}: no row can be trained on ({_left_out(parts)}); "
                "raise optimisation.max_tokens or look at the data"
            )
        self._refuse_other_adapter(start)
        refuse(training_faults(format_, start, parts, bench.stage))
        seed = random_for(bench.seed, bench.stage, "adapter").getrandbits(63)
        load = partial(_load, start, self.precision, self.lora, seed)
        model, progress = train_from(load, course)
        bench.measured.update(progress.measured)
        save_adapter(model, format_.tokenizer, bench.folder / "adapter")
        _write_metrics(bench.folder / "metrics.jsonl", progress.metrics)
        return self._numbers(course, progress, parts, format_) | {"base": start.base}

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

    def _numbers(
        self, course: Any, progress: Any, parts: "Mapping[str, EncodedRows]", format_: "Format"
    ) -> Numbers:
        metrics = progress.metrics
        numbers: Numbers = {
            "rows": len(course.train),
            "validation_rows": len(course.valid),
            "left_out": _left_out(parts),
            "cut_short": {name: part.cut_short for name, part in parts.items() if part.cut_short},
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


def _load(start: Start, precision: Precision, lora: Lora, seed: int, device: str) -> Any:
    """The model to train; a function of its own so that other processes can be sent it."""
    from openbezoar.training.adapters import attach_adapter, load_model

    return attach_adapter(load_model(start.folder, device, precision), lora, start.adapter, seed)


def _left_out(parts: "Mapping[str, EncodedRows]") -> dict[str, JsonValue]:
    return {
        f"{name}: {reason}": count
        for name, part in parts.items()
        for reason, count in part.left_out.items()
    }


def _write_metrics(path: Path, metrics: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in metrics)
