"""What a report is about: the latest artifact of every stage, and what is unfinished or broken."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import JsonValue, ValidationError

from openbezoar import shelf
from openbezoar.jsonl import first_problem
from openbezoar.report.numbers import Numbers, Run, read
from openbezoar.store import SCRATCH, Artifact, Store

__all__ = ["Begun", "Contents", "Made", "gather"]


@dataclass(frozen=True)
class Made:
    """A finished artifact whose numbers have been read."""

    artifact: Artifact
    numbers: Numbers
    run: Run

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.artifact.manifest.stage

    @property
    def kind(self) -> str:
        """The stage's kind."""
        return self.artifact.manifest.kind

    @property
    def fingerprint(self) -> str:
        """What determines the artifact."""
        return self.artifact.manifest.fingerprint

    @property
    def inputs(self) -> dict[str, str]:
        """The fingerprint of every input, by stage name."""
        return self.artifact.manifest.inputs

    @property
    def headline(self) -> str:
        """The one or two numbers that say most."""
        return shelf.headline(self.artifact)

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """The stage's settings, as far as the manifest holds any."""
        return _mapping(_mapping(self.artifact.manifest.science).get("settings"))

    def model(self, name: str) -> str:
        """What the recipe's model of this name is: its checkpoint, file or service."""
        models = _mapping(_mapping(self.artifact.manifest.science).get("models"))
        entry = models.get(name)
        spec = _mapping(entry[0] if isinstance(entry, list) and entry else None)
        found = spec.get("checkpoint") or spec.get("model")
        return str(found).rstrip("/").rsplit("/", maxsplit=1)[-1] if found else ""

    def identity(self, name: str) -> str:
        """What tells the model of this name from others: its artifact, or what the recipe says."""
        models = _mapping(_mapping(self.artifact.manifest.science).get("models"))
        return self.inputs.get(name) or str(models.get(name, name))


@dataclass(frozen=True)
class Begun:
    """An artifact that a run has begun and not finished."""

    folder: Path
    settings: Mapping[str, JsonValue]
    """Of the stage, in the recipe run last; none where that has no such stage."""
    stopped: str
    """What stopped it; empty while it runs, or where it was killed."""

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.folder.stem.rpartition("-")[0]

    @property
    def fingerprint(self) -> str:
        """The beginning of what determines the artifact."""
        return self.folder.stem.rpartition("-")[2]

    @property
    def kind(self) -> str:
        """The stage's kind, as far as the recipe tells."""
        return str(self.settings.get("kind", ""))

    @property
    def written(self) -> str:
        """When something of it was written last."""
        last = 0.0
        for path in (self.folder, *self.folder.glob("*"), *self.folder.glob(f"{SCRATCH}/*")):
            with suppress(FileNotFoundError):  # the run goes on meanwhile
                last = max(last, path.stat().st_mtime)
        return datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Contents:
    """A store as the report tells it."""

    latest: list[Made]
    """The newest artifact of every stage, in the order of making."""
    by_print: dict[str, Made]
    """Every artifact, older ones among them."""
    broken: dict[str, str]
    """What is wrong, by folder."""
    unfinished: list[Begun]
    """What an interrupted or running run left."""
    to_come: Mapping[str, str] = field(default_factory=dict)
    """The kinds of the stages, by name, that the recipe run last has and nothing is made of."""

    def stale(self, made: Made) -> list[str]:
        """The inputs that have been made anew since."""
        prints = {other.name: other.fingerprint for other in self.latest}
        return [name for name, used in made.inputs.items() if prints.get(name, used) != used]

    def inputs(self, made: Made, *kinds: str) -> list[Made]:
        """The very artifacts that this one was made from, of these kinds."""
        found = [self.by_print[used] for used in made.inputs.values() if used in self.by_print]
        return [other for other in found if other.kind in kinds]

    def upstream(self, made: Made) -> Iterator[Made]:
        """Every artifact that went into this one, each once."""
        waiting, seen = list(made.inputs.values()), set()
        while waiting:
            used = waiting.pop()
            if used not in seen and used in self.by_print:
                seen.add(used)
                yield self.by_print[used]
                waiting += self.by_print[used].inputs.values()


def gather(store: Store) -> Contents:
    """Read every manifest of the store; one that cannot be used is named among the broken."""
    survey, stages, stops = store.survey(), _stages(store), store.stops()
    by_print, unknown = _made(survey.artifacts)
    broken = {
        folder: why.removeprefix(f"{store.root / folder}/") for folder, why in survey.broken.items()
    }
    newest = {made.name: made for made in by_print.values()}
    latest = [made for made in by_print.values() if newest[made.name] is made]
    unfinished = [
        Begun(store.root / name, stages.get(name.rpartition("-")[0], {}), stops.get(name, ""))
        for name in survey.unfinished
    ]
    met = {*newest, *(begun.name for begun in unfinished)}
    to_come = {
        name: str(settings.get("kind", "")) for name, settings in stages.items() if name not in met
    }
    return Contents(latest, by_print, broken | unknown, unfinished, to_come)


def _made(artifacts: Sequence[Artifact]) -> tuple[dict[str, Made], dict[str, str]]:
    """The artifacts by fingerprint, and what is wrong with those whose numbers are not such."""
    by_print, unknown = {}, {}
    for artifact in artifacts:
        manifest = artifact.manifest
        try:
            numbers = read(manifest.kind, manifest.numbers)
            run = Run.model_validate(manifest.run)
        except ValidationError as error:
            problem = f"manifest.json: unknown numbers ({first_problem(error)})"
            unknown[artifact.folder.name] = problem
        else:
            by_print[manifest.fingerprint] = Made(artifact, numbers, run)
    return by_print, unknown


def _stages(store: Store) -> dict[str, Mapping[str, JsonValue]]:
    """The stages of the recipe that was run last; none where it cannot be read."""
    try:
        text = next(iter(store.recipes().values()), "")
        recipe = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    stages = _mapping(_mapping(recipe).get("stages"))
    return {str(name): _mapping(settings) for name, settings in stages.items()}


def _mapping(value: object) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}
