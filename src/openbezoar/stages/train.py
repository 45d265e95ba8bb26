"""The train stage: an adapter learns one data set under one objective."""

import importlib.util
import itertools
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import JsonValue, model_validator

from openbezoar.component import OneOf
from openbezoar.errors import ConfigError, DataError, MissingExtra
from openbezoar.families import Bench, ModelSpec, Numbers, Objective, Stage, expect, random_for
from openbezoar.stages.ledger import Graduate, Ledger
from openbezoar.stages.lessons import Lesson, lessons_behind
from openbezoar.stages.merge import MergeRuntime, MergeStage
from openbezoar.stages.start import OWN_BASE, Start, find_start, print_of
from openbezoar.training.adapters import Lora, Precision
from openbezoar.training.health import alarms
from openbezoar.training.renderings import Rendering
from openbezoar.training.settings import Optimisation, TrainingRuntime, check_machine

if TYPE_CHECKING:
    from openbezoar.training.course import Course
    from openbezoar.training.encoding import EncodedRows

__all__ = ["TrainStage"]


class TrainStage(Stage):
    """Trains a LoRA adapter, a new one or the one of the train stage it starts from."""

    kind: Literal["train"] = "train"
    version: ClassVar[int] = 2
    start: str
    """A checkpoint among the models, a merge stage, or a train stage to carry the adapter from."""
    carry: Literal["adapter", "merge"] = "adapter"
    """What becomes of the adapter of a train stage that this one starts from: `adapter` goes on
    with it; `merge` adds it to its base as a merge stage does by default (the weights are kept in
    this artifact's `base/`) and begins a new one, which may have other `lora` settings."""
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
    keep: Literal["best", "last"] = "last"
    """The adapter after the last step, or after the one where an evaluation during training
    (`optimisation.evaluate_every`) found the lowest validation loss."""
    ledger: Ledger | None = Ledger()
    """What is measured once training is over; null measures nothing."""
    runtime: TrainingRuntime = TrainingRuntime()

    @model_validator(mode="after")
    def _has_a_best(self) -> "TrainStage":
        if self.keep == "best" and self.optimisation.evaluate_every == 0:
            raise ValueError(
                "keep: best chooses among evaluations during training; say how often there is one "
                "with optimisation.evaluate_every"
            )
        return self

    def reads(self) -> tuple[str, ...]:
        """The start point and the data."""
        return (self.start, self.data)

    def makes(self, kinds: Mapping[str, str]) -> str:
        """An adapter."""
        held = expect(self.start, kinds, "checkpoint", "model", "adapter")
        expect(self.data, kinds, *(f"{row} data set" for row in sorted(self.objective.reads)))
        if self.carry == "merge" and held != "adapter":
            raise ConfigError(
                f"carry: {self.start!r} holds {held}, so there is no adapter to merge; leave out "
                "carry, or start from a train stage"
            )
        if self.objective.reference and held == "adapter" and self.carry == "adapter":
            raise ConfigError(
                f"starts from the adapter of {self.start!r}; its reference is the model with the "
                "adapter switched off, so write carry: merge, or start from a merge stage"
            )
        return "adapter"

    def check_stages(self, stages: Mapping[str, Stage]) -> None:
        """What was trained keeps its rendering; an adapter also its settings and its precision."""
        self._refuse_other_rendering(stages)
        before = stages.get(self.start)
        if not isinstance(before, TrainStage) or self.carry == "merge":
            return
        mine, theirs = self._adapter_settings(), before._adapter_settings()
        other = [
            f"{name} is {_plain(mine[name])}, there {_plain(theirs[name])}"
            for name in mine
            if mine[name] != theirs[name]
        ]
        if other:
            raise ConfigError(
                f"goes on with the adapter of {self.start!r}, but {'; '.join(other)}: make them "
                "equal, or begin a new adapter with carry: merge"
            )

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """A model it starts from must be a checkpoint."""
        if self.start in specs and not specs[self.start].trains:
            raise ConfigError(f"model {self.start!r} has no weights here to start from")

    def evidence(self) -> JsonValue:
        """The meaning of the merge it begins with, where it does."""
        return {"merge": MergeStage.version} if self.carry == "merge" else None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Torch must be installed, and this machine must have what the settings ask for."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("stages of kind train need torch; pip install 'openbezoar[train]'")
        check_machine(self.optimisation, self.runtime)

    def make(self, bench: Bench) -> Numbers:
        """Write `adapter/` and `metrics.jsonl`, and `base/` where the carried one is merged."""
        from openbezoar.training.adapters import refuse_quantised, save_adapter, vocabulary
        from openbezoar.training.checks import refuse, training_faults
        from openbezoar.training.encoding import encode_data
        from openbezoar.training.format import Format
        from openbezoar.training.processes import train_from

        start, merged = self._start(bench)
        refuse_quantised(start.folder)
        format_ = Format.for_training(start.folder, self.rendering)
        data, limit = bench.inputs[self.data], self.optimisation.max_tokens
        parts = encode_data(data, self.objective, format_, limit)
        course = self._course(bench, parts, format_.fingerprint)
        refuse(training_faults(format_, start, parts, bench.stage))
        seed = random_for(bench.seed, bench.stage, "adapter").getrandbits(63)
        load = partial(_load, start, self.precision, self.lora, seed)
        model, progress = train_from(load, course)
        bench.measured.update(progress.measured)
        kept = self._kept(model, course, progress)
        save_adapter(model, format_.tokenizer, bench.folder / "adapter")
        _write_metrics(bench.folder / "metrics.jsonl", progress.metrics)
        numbers = self._numbers(course, progress, parts) | _around(progress.metrics, kept)
        numbers |= {
            "format": format_.fingerprint,
            "vocabulary": vocabulary(start.folder, format_.tokenizer),
            "base": start.base,
            **merged,
        }
        if self.objective.reference:
            numbers["reference"] = start.base
        if self.ledger is not None:
            bench.say("measures what is left of each lesson")
            graduate = Graduate(bench.stage, model, format_, self.runtime.micro_tokens)
            numbers["ledger"] = self.ledger.measure(graduate, self._lessons(bench))
        return numbers

    def _refuse_other_rendering(self, stages: Mapping[str, Stage]) -> None:
        before = stages.get(self.start)
        if isinstance(before, MergeStage):
            before = stages.get(before.adapter)
        if isinstance(before, TrainStage) and before.rendering != self.rendering:
            raise ConfigError(
                f"rendering is {self.rendering}, but {self.start!r}, which it starts from, was "
                f"trained in {before.rendering}: make them equal"
            )

    def _adapter_settings(self) -> dict[str, JsonValue]:
        """What an adapter is bound to: its shape, and the weights it was trained on."""
        lora = self.lora.model_dump(mode="json") | {"targets": sorted(self.lora.targets)}
        return {f"lora.{name}": value for name, value in lora.items()} | {
            "precision": self.precision
        }

    def _start(self, bench: Bench) -> tuple[Start, Numbers]:
        """The weights to start from, and what is to be said of a merge that made them."""
        start = find_start(self.start, bench)
        if self.carry == "adapter":
            return start, {}
        bench.say(f"merges the adapter of {self.start}")
        merge = MergeStage(
            adapter=self.start,
            used_in="nf4" if self.precision == "nf4" else "bfloat16",
            runtime=MergeRuntime(device=self.runtime.device),
        )
        folder = bench.folder / OWN_BASE
        numbers = merge.merge(bench, start, folder)
        base: dict[str, JsonValue] = {"folder": OWN_BASE, "fingerprint": print_of(folder)}
        return Start(folder, base, format=numbers["format"]), {"merged": numbers}

    def _lessons(self, bench: Bench) -> list[Lesson]:
        """Every train stage behind the model, this one the last."""
        own = Lesson(
            stage=bench.stage,
            data=self.data,
            rows=bench.inputs[self.data],
            precision=self.precision,
            max_tokens=self.optimisation.max_tokens,
            ledger={},
        )
        return [*lessons_behind(self.start, bench), own]

    def _course(
        self, bench: Bench, parts: "Mapping[str, EncodedRows]", format_print: str
    ) -> "Course":
        from openbezoar.training.course import Course

        if not parts["train"].rows:
            raise DataError(
                f"stage {bench.stage}: no row can be trained on ({_left_out(parts)}); "
                "raise optimisation.max_tokens or look at the data"
            )
        if self.keep == "best" and not parts["valid"].rows:
            raise DataError(
                f"stage {bench.stage}: keep: best needs validation rows, and {self.data!r} has "
                f"none that can be used ({_left_out(parts)}); raise its `validation`"
            )
        return Course(
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
            format=format_print,
            keep_best=bench.scratch / "best" if self.keep == "best" else None,
            logs=bench.folder.parent / "trackers" / bench.stage,
            deadline=bench.deadline,
            progress=bench.progress,
        )

    def _kept(self, model: Any, course: "Course", progress: Any) -> int:
        """Put the adapter that is to be kept into the model; the step it is from."""
        from openbezoar.training.best import restore_best

        if course.keep_best is None:
            last: int = progress.step
            return last
        return restore_best(course.keep_best, model, progress.metrics)

    def _numbers(
        self, course: "Course", progress: Any, parts: "Mapping[str, EncodedRows]"
    ) -> Numbers:
        metrics = progress.metrics
        return {
            "rows": len(course.train),
            "validation_rows": len(course.valid),
            "left_out": _left_out(parts),
            "cut": _cut(parts),
            "alarms": [alarm.text for alarm in alarms(metrics, self.runtime.health)],
            "steps": progress.step,
            "tokens": progress.tokens,
            "answer_tokens": self.optimisation.epochs
            * sum(sequence.answer_tokens for sequence in itertools.chain(*course.train)),
            "first_loss": metrics[1]["loss"],
            "last_loss": metrics[-1]["loss"],
        }


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


def _cut(parts: "Mapping[str, EncodedRows]") -> dict[str, JsonValue]:
    return {
        f"{name}: {what}": count
        for name, part in parts.items()
        for what, count in part.cut.items()
        if count
    }


def _around(metrics: list[dict[str, float]], kept: int) -> Numbers:
    """What the validation rows said before training, and of the adapter that is kept."""
    numbers: Numbers = {"kept_step": kept}
    after = next(line for line in metrics if line["step"] == kept)
    for name in ("loss", "accuracy", "margin"):
        if f"valid_{name}" in metrics[0]:
            numbers[f"validation_{name}_before"] = metrics[0][f"valid_{name}"]
            numbers[f"validation_{name}_after"] = after[f"valid_{name}"]
    return numbers


def _plain(value: JsonValue) -> str:
    """A setting as YAML writes it."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _write_metrics(path: Path, metrics: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in metrics)
