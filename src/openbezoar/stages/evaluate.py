"""The evaluate stage: one model, several evaluations, every score with its error."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from openbezoar import memory
from openbezoar.component import OneOf
from openbezoar.errors import ConfigError
from openbezoar.families import Bench, Evaluation, ModelSpec, Numbers, Stage, expect
from openbezoar.records import Score
from openbezoar.stages.subject import find_subject, has_template
from openbezoar.store import Artifact

__all__ = ["EvaluateStage"]


class EvaluateStage(Stage):
    """Measures one checkpoint."""

    kind: Literal["evaluate"] = "evaluate"
    model: str
    """A merge stage, a train stage with `lora: null`, or a checkpoint among the models."""
    evaluations: tuple[Annotated[Evaluation, OneOf("openbezoar.evaluations")], ...] = Field(
        min_length=1
    )
    force: bool = False
    """Measure a model whose tokenizer or template is not the one it was trained with, and put the
    harness's questions through OpenBezoar's template where the model has none; scores say so."""

    def reads(self) -> tuple[str, ...]:
        """The model and the data it is measured on."""
        data = [name for part in self.evaluations for name in part.reads()]
        return tuple(dict.fromkeys([self.model, *data]))

    def uses(self) -> tuple[str, ...]:
        """The judges."""
        return tuple(dict.fromkeys(name for part in self.evaluations for name in part.uses()))

    def makes(self, kinds: Mapping[str, str]) -> str:
        """Scores."""
        if kinds[self.model] == "adapter":
            raise ConfigError(f"model: {self.model!r} is an adapter; evaluate its merge stage")
        expect(self.model, kinds, "checkpoint", "model")
        for part in self.evaluations:
            part.check_reads(kinds)
        return "scores"

    def measures(self) -> tuple[Evaluation, ...]:
        """Its evaluations."""
        return self.evaluations

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """A model evaluated must be a checkpoint, and the judges able to do what is asked."""
        if self.model in specs and not specs[self.model].trains:
            raise ConfigError(f"model {self.model!r} is a server; evaluate a checkpoint")
        for part in self.evaluations:
            part.check_models(specs)

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """What the evaluations need must be installed, and the model what they need."""
        for part in self.evaluations:
            part.check_ready()
            if part.needs_template() and self.model in specs and not self.force:
                self._check_template(specs[self.model], part.kind)

    def check_inputs(self, inputs: Mapping[str, Artifact]) -> None:
        """An altered template or tokenizer is told of later, with the way to measure it anyway."""
        for name, artifact in inputs.items():
            artifact.check_whole(artifact.altered("model") if name == self.model else ())

    def evidence(self) -> JsonValue:
        """The files and prompts of the evaluations."""
        return [part.evidence() for part in self.evaluations]

    def make(self, bench: Bench) -> Numbers:
        """Write `scores.json`, and what the evaluations record of single rows."""
        subject, numbers = find_subject(self.model, bench, self.force)
        more = (str(numbers["forced"]),) if "forced" in numbers else ()
        scores: list[Score] = []
        for part in self.evaluations:
            bench.deadline.check()
            bench.say(f"{part.kind} of {self.model}")
            scores += [score.flagged(*more) for score in part.measure(subject, bench)]
            memory.release()
        content: list[JsonValue] = [score.model_dump(mode="json") for score in scores]
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (bench.folder / "scores.json").write_text(text, encoding="utf-8")
        return {"model": self.model, **numbers, "scores": content}

    def _check_template(self, spec: ModelSpec, kind: str) -> None:
        if not has_template(spec.folder()):
            raise ConfigError(
                f"model {self.model!r} has no chat template for {kind} to ask through; set "
                "chat_template: off there, or lend it OpenBezoar's with force: true here"
            )
