"""The evaluate stage: one model, several evaluations, every score with its error."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from openbezoar.component import OneOf
from openbezoar.errors import ConfigError
from openbezoar.families import Bench, Evaluation, ModelSpec, Numbers, Stage, expect
from openbezoar.records import Score
from openbezoar.stages.subject import find_subject

__all__ = ["EvaluateStage"]


class EvaluateStage(Stage):
    """Measures one checkpoint."""

    kind: Literal["evaluate"] = "evaluate"
    model: str
    """A merge stage, a train stage with `lora: null`, or a checkpoint among the models."""
    evaluations: tuple[Annotated[Evaluation, OneOf("openbezoar.evaluations")], ...] = Field(
        min_length=1
    )

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
        """What the evaluations need must be installed."""
        for part in self.evaluations:
            part.check_ready()

    def evidence(self) -> JsonValue:
        """The files and prompts of the evaluations."""
        return [part.evidence() for part in self.evaluations]

    def make(self, bench: Bench) -> Numbers:
        """Write `scores.json`, and what the evaluations record of single rows."""
        subject, numbers = find_subject(self.model, bench)
        scores: list[Score] = []
        for part in self.evaluations:
            bench.deadline.check()
            bench.say(f"{part.kind} of {self.model}")
            scores += part.measure(subject, bench)
        content: list[JsonValue] = [score.model_dump(mode="json") for score in scores]
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (bench.folder / "scores.json").write_text(text, encoding="utf-8")
        return {"model": self.model, **numbers, "scores": content}
