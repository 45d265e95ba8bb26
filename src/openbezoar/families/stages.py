"""A stage: upstream artifacts in, one artifact out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.bench import Bench, Numbers
from openbezoar.families.models import ModelSpec
from openbezoar.store import Artifact

if TYPE_CHECKING:
    from openbezoar.families.evaluations import Evaluation


class Stage(Component, ABC):
    """Upstream artifacts in, one artifact out."""

    kind: str
    version: ClassVar[int] = 1
    """Raised by hand when the meaning of the stage changes."""

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The names it refers to: stages above it, or checkpoints among the models."""

    def uses(self) -> tuple[str, ...]:
        """The models that must answer while it runs, by name."""
        return ()

    def opens(self) -> tuple[str, ...]:
        """Those of the models it uses that this machine opens, and not the workers of a cluster."""
        return self.uses()

    @abstractmethod
    def makes(self, kinds: Mapping[str, str]) -> str:
        """What it makes, given what each name it reads holds; ConfigError when they do not fit."""

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what is asked of it."""

    def settled(self, name: str, stages: "Mapping[str, Stage]") -> "Stage":
        """Itself, of this name, with what the other stages decide where its settings do not."""
        return self

    def check_stages(self, stages: "Mapping[str, Stage]") -> None:
        """Raise ConfigError when the settings of a stage it reads do not go with its own."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the artifact, such as the digest of a file it reads."""
        return None

    def measures(self) -> "Sequence[Evaluation]":
        """The evaluations it runs."""
        return ()

    def heeds(self, evaluations: "Sequence[Evaluation]") -> dict[str, JsonValue] | None:
        """What of the recipe's evaluations determines the artifact; None where nothing does."""
        return None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError, DataError or MissingExtra when it could not run here as things are.

        `plan` says so, `run` stops.
        """
        return

    def check_start(self, specs: Mapping[str, ModelSpec], stages: "Mapping[str, Stage]") -> None:
        """Raise ConfigError when it could not go on from the checkpoint that it goes back to.

        `run` asks once the checkpoints are here; `stages` are those that it will make.
        """
        return

    def check_inputs(self, inputs: Mapping[str, Artifact]) -> None:
        """Raise StoreError when a file of what it will read is not as it was made."""
        for artifact in inputs.values():
            artifact.check_whole()

    def teachers(self) -> tuple[str, ...]:
        """The models that write the rows it makes, by name."""
        return ()

    def warnings(
        self, teachers: Mapping[str, ModelSpec], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """What a person should know before trusting it; `teachers` are those of stages above."""
        return []

    def notes(
        self, name: str, artifacts: Sequence[Artifact], specs: Mapping[str, ModelSpec]
    ) -> list[str]:
        """What a plan says of the stage of this name, given what the store holds."""
        return []

    @abstractmethod
    def make(self, bench: Bench) -> Numbers:
        """Write the artifact's files into the bench's folder and return its numbers."""
