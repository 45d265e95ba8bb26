"""What a card is about: an artifact, all that it was made from, and the scores of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import JsonValue

from openbezoar.cards.markdown import in_one_line
from openbezoar.component import digest
from openbezoar.errors import DataError
from openbezoar.licences import LicenceVerdict
from openbezoar.licences.lineage import MODELS
from openbezoar.report.contents import Contents, Made, gather
from openbezoar.report.funnel import Step, chains
from openbezoar.report.numbers import EvaluateNumbers
from openbezoar.store import Artifact, Store

__all__ = ["Subject", "Told", "find_subject"]


class Told(NamedTuple):
    """What a person adds to what the manifests hold."""

    accepted: str = ""
    """Why it is published in spite of what the verdict leaves open."""
    base: str = ""
    """What the hub calls the weights of an adapter."""


@dataclass(frozen=True)
class Subject:
    """An artifact with its past."""

    made: Made
    line: Sequence[Made]
    """Everything it was made from and itself, the oldest first."""
    contents: Contents
    verdict: LicenceVerdict
    told: Told
    recipe: str | None
    """The text of the recipe that made it; None where an older version kept none."""

    @property
    def is_model(self) -> bool:
        """Whether it is weights; rows otherwise."""
        return self.made.kind in MODELS

    @property
    def is_adapter(self) -> bool:
        """Whether its weights are of no use without those of its base."""
        return self.made.artifact.manifest.makes == "adapter"

    @property
    def base(self) -> str | None:
        """What the hub calls the weights that it adapts, or that it was trained from."""
        numbers: Any = self.made.artifact.numbers
        if self.is_adapter and (self.told.base or "checkpoint" not in (numbers.get("base") or {})):
            return self.told.base.partition("@")[0] or None
        bases = [origin for origin in self.verdict.origins if origin.role == "base"]
        known = [base.what for base in bases if base.address]
        return known[0] if len(known) == 1 else None

    @property
    def title(self) -> str:
        """The recipe's name and the stage's, in one line."""
        return in_one_line(f"{self.made.run.recipe} {self.made.name}")

    @property
    def version(self) -> str | None:
        """The version of openbezoar that made it."""
        return self.made.run.versions.get("openbezoar")

    @property
    def recipe_sha256(self) -> str | None:
        """The digest of the recipe that made it."""
        found = self.made.artifact.manifest.run.get("recipe_sha256")
        return str(found) if found else None

    @property
    def funnel(self) -> list[list[Step]]:
        """For every line of rows: what was given, kept and lost, stage by stage."""
        return chains(Contents([*self.line], self.contents.by_print, {}, []))

    @property
    def evaluations(self) -> list[tuple[Made, EvaluateNumbers]]:
        """What measured this very model, by stages of any name or recipe.

        Of those with the same settings, and of those of one stage of one recipe, the newest.
        """
        found: list[tuple[Made, EvaluateNumbers]] = []
        seen: set[str] = set()
        for made in reversed(self.contents.by_print.values()):
            numbers = made.numbers
            if not isinstance(numbers, EvaluateNumbers):
                continue
            if made.inputs.get(numbers.model) == self.made.fingerprint:
                marks = {digest([made.run.recipe, made.name]), digest(_apart_from_name(made))}
                if not marks & seen:
                    found.append((made, numbers))
                seen |= marks
        return found[::-1]

    def of_kind(self, *kinds: str) -> list[Made]:
        """The stages of these kinds that it was made from."""
        return [made for made in self.line if made.kind in kinds]

    def setting(self, made: Made, *path: str) -> Any:
        """A setting of a stage; None where the manifest does not hold it."""
        value: Any = made.settings
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def _apart_from_name(made: Made) -> JsonValue:
    """All that an evaluation of one model depends on, but for names."""
    science, model = made.artifact.manifest.science, made.settings.get("model")
    held = dict(science) if isinstance(science, dict) else {}
    others: JsonValue = {name: used for name, used in made.inputs.items() if name != model}
    return [{**held, "stage": None, "settings": {**made.settings, "model": None}}, others]


def find_subject(store: Store, artifact: Artifact, verdict: LicenceVerdict, told: Told) -> Subject:
    """Gather what the card needs; DataError where the artifact's own manifest cannot be read."""
    contents = gather(store)
    made = contents.by_print.get(artifact.manifest.fingerprint)
    if made is None:
        why = contents.broken.get(artifact.folder.name, "is not in this store")
        raise DataError(f"{artifact.folder}: {why}; make it again")
    above = {one.fingerprint for one in contents.upstream(made)} | {made.fingerprint}
    line = [one for one in contents.by_print.values() if one.fingerprint in above]
    print_ = str(artifact.manifest.run.get("recipe_sha256"))
    return Subject(made, line, contents, verdict, told, store.recipes().get(print_))
