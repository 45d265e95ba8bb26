"""The train stage: an adapter, or a whole model, learns one data set under one objective."""

import importlib.util
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import JsonValue, model_validator

from openbezoar.component import OneOf
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import Bench, ModelSpec, Numbers, Objective, Stage, expect, random_for
from openbezoar.stages.course import course_of, restore_kept
from openbezoar.stages.ledger import Graduate, Ledger
from openbezoar.stages.lessons import Lesson, lessons_behind
from openbezoar.stages.merge import MergeRuntime, MergeStage
from openbezoar.stages.outcome import outcome, write_metrics
from openbezoar.stages.policy import Opening, save
from openbezoar.stages.start import OWN_BASE, Start, find_start, print_of
from openbezoar.training.adapters import Lora, Precision
from openbezoar.training.renderings import Rendering
from openbezoar.training.settings import Optimisation, TrainingRuntime, check_machine

__all__ = ["TrainStage"]


class TrainStage(Stage):
    """Trains a LoRA adapter, a new one or the one of the train stage it starts from, or, with
    `lora: null`, all weights of a model."""

    kind: Literal["train"] = "train"
    version: ClassVar[int] = 3
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
    lora: Lora | None = Lora()
    """The adapter. null: all weights are trained, in float32 and with a much lower learning rate
    (1e-5, say), and the stage makes a model, which needs no merge; dpo then holds a second, frozen
    model as its reference."""
    optimisation: Optimisation = Optimisation()
    keep: Literal["best", "last"] = "last"
    """The weights after the last step, or after the one where an evaluation during training
    (`optimisation.evaluate_every`) found the lowest validation loss."""
    ledger: Ledger | None = Ledger()
    """What is measured once training is over; null measures nothing."""
    runtime: TrainingRuntime = TrainingRuntime()

    @model_validator(mode="after")
    def _keeps_small_steps(self) -> "TrainStage":
        if self.lora is None and self.precision != "float32":
            raise ValueError(
                f"lora: null trains all weights, and in {self.precision} most steps would be lost "
                "in rounding; write precision: float32, or train an adapter"
            )
        return self

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
        """An adapter, or a model."""
        held = expect(self.start, kinds, "checkpoint", "model", "adapter")
        expect(self.data, kinds, *(f"{row} data set" for row in sorted(self.objective.reads)))
        if self.carry == "merge" and held != "adapter":
            raise ConfigError(
                f"carry: {self.start!r} holds {held}, so there is no adapter to merge; leave out "
                "carry, or start from a train stage"
            )
        if held == "adapter" and self.carry == "adapter":
            self._refuse_to_carry()
        return "model" if self.lora is None else "adapter"

    def check_stages(self, stages: Mapping[str, Stage]) -> None:
        """What was trained keeps its rendering; an adapter also its settings and its precision."""
        self._refuse_other_rendering(stages)
        before = stages.get(self.start)
        if not isinstance(before, TrainStage) or self.carry == "merge":
            return
        mine, theirs = self._adapter_settings(), before._adapter_settings()
        if not mine or not theirs:
            return  # whether it can start from there is for `makes` to say
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

    def check_start(self, specs: Mapping[str, ModelSpec], stages: Mapping[str, Stage]) -> None:
        """The checkpoint must have the layers that an adapter is to go on."""
        from openbezoar.training.layers import check_targets, stored_layers

        name = self.start
        while isinstance(before := stages.get(name), TrainStage | MergeStage):
            name = before.start if isinstance(before, TrainStage) else before.adapter
        if self.lora is not None and name in specs:
            check_targets(self.lora.targets, stored_layers(specs[name].folder()))

    def make(self, bench: Bench) -> Numbers:
        """Write `adapter/` or `model/`, `metrics.jsonl`, and `base/` where one is merged before."""
        from openbezoar.training.adapters import refuse_quantised, vocabulary
        from openbezoar.training.checks import refuse, training_faults
        from openbezoar.training.encoding import encode_data
        from openbezoar.training.format import Format
        from openbezoar.training.processes import train_from

        start, merged = self._start(bench)
        refuse_quantised(start.folder)
        format_ = Format.for_training(start.folder, self.rendering)
        data, limit = bench.inputs[self.data], self.optimisation.max_tokens
        parts = encode_data(data, self.objective, format_, limit)
        course = course_of(self, bench, parts, format_.fingerprint)
        refuse(training_faults(format_, start, parts, bench.stage))
        model, progress = train_from(self.opening(start, bench), course)
        bench.measured.update(progress.measured)
        kept = restore_kept(model, course, progress)
        save(model, start, format_, bench.folder)
        write_metrics(bench.folder / "metrics.jsonl", progress.metrics)
        numbers = outcome(course, progress, parts, kept)
        numbers |= {
            "format": format_.fingerprint,
            "vocabulary": vocabulary(start.folder),
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

    def opening(self, start: Start, bench: Bench | None = None) -> Opening:
        """How the model to train is opened; a new adapter is drawn for the stage on the bench."""
        seed = random_for(bench.seed, bench.stage, "adapter").getrandbits(63) if bench else 0
        return Opening(start, self.precision, self.lora, self.objective.reference, seed)

    def _refuse_to_carry(self) -> None:
        """Raise ConfigError where the adapter of a train stage must be merged first."""
        why = ""
        if self.objective.reference:
            why = "its reference is the model with the adapter switched off"
        if self.lora is None:
            why = "lora: null trains all weights of a model"
        if why:
            raise ConfigError(
                f"starts from the adapter of {self.start!r}; {why}, so write carry: merge, or "
                "start from a merge stage"
            )

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
        """What an adapter is bound to, its shape and the weights it is on; empty without one."""
        if self.lora is None:
            return {}
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


def _plain(value: JsonValue) -> str:
    """A setting as YAML writes it."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
