"""What an artifact was made from, walked back through the manifests of its store."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from openbezoar.component import digest
from openbezoar.errors import DataError
from openbezoar.store import Artifact, Store

__all__ = ["MODELS", "Data", "Lineage", "Use", "files_of", "lineage", "settings_of"]

PARTS = ("train", "valid")
"""The files of a data set."""
DATA = ("source", "generate", "filter", "mix")
MODELS = ("train", "merge")

_Identity = tuple[str, str, str]


class Use(NamedTuple):
    """A stage that put something of its own into an artifact, or a model that a stage asked."""

    role: str
    name: str
    """The stage of a source, or the recipe's name of a model."""
    artifact: Artifact
    """What was made with it."""
    rows: int | None
    """How many rows came through it; None for a base model, which every row is put into."""


class Data(NamedTuple):
    """Rows that are, or went into, an artifact."""

    artifact: Artifact
    parts: tuple[str, ...]
    """Which files of a data set count: a model learns from its `train` alone."""


class Lineage(NamedTuple):
    """What went into an artifact."""

    data: tuple[Data, ...]
    uses: tuple[Use, ...]
    lost: tuple[str, ...]
    """Stages whose artifacts the store no longer holds."""


def lineage(store: Store, artifact: Artifact) -> Lineage:
    """Walk back; DataError where the artifact is neither rows nor a model."""
    kind, stage = artifact.manifest.kind, artifact.manifest.stage
    if kind not in (*DATA, *MODELS):
        raise DataError(
            f"{stage}: holds {artifact.manifest.makes}; name a stage of rows or weights"
        )
    walk = _Walk({one.manifest.fingerprint: one for one in store.survey().artifacts})
    if kind in MODELS:
        sets = {one.artifact.manifest.fingerprint: one for one in walk.learned(artifact)}
        data = tuple(sets.values())
    else:
        data = (Data(artifact, PARTS),)
    for one in data:
        walk.follow(one.artifact, _rows_of(one), frozenset())
    return Lineage(data, tuple(walk.uses.values()), tuple(dict.fromkeys(walk.lost)))


def files_of(data: Data) -> list[str]:
    """The names of its files of rows."""
    if data.artifact.manifest.kind == "mix":
        return [f"{part}.jsonl" for part in data.parts]
    return ["rows.jsonl"]


def settings_of(artifact: Artifact) -> Mapping[str, Any]:
    """The settings of the stage that made it."""
    science: Any = artifact.manifest.science
    settings: Mapping[str, Any] = science["settings"]
    return settings


class _Walk:
    """Follows inputs upward and counts the rows that came through each stage."""

    def __init__(self, artifacts: Mapping[str, Artifact]) -> None:
        self._artifacts = artifacts
        self.uses: dict[_Identity, Use] = {}
        self.lost: list[str] = []

    def learned(self, artifact: Artifact) -> Iterator[Data]:
        """The data sets behind a model, the last one first; notes the models it began with."""
        settings = settings_of(artifact)
        start = settings["start"] if artifact.manifest.kind == "train" else settings["adapter"]
        if artifact.manifest.kind == "train":
            for data in self._input(artifact, settings["data"]):
                yield Data(data, PARTS[:1])
        if start in artifact.manifest.inputs:
            for before in self._input(artifact, start):
                yield from self.learned(before)
        else:
            use = Use("base", start, artifact, None)
            self.uses[_identity(use)] = use

    def follow(
        self, artifact: Artifact, rows: Mapping[str, int], seen: frozenset[_Identity]
    ) -> None:
        """Count some rows of an artifact, given by the input they came from, for all above it.

        What the same rows came through before, `seen`, does not count them twice.
        """
        uses = [Use(*named, artifact, sum(rows.values())) for named in _named(artifact)]
        fresh = {_identity(use): use for use in uses if _identity(use) not in seen}
        for identity, use in fresh.items():
            before = self.uses.get(identity)
            total = (before.rows or 0 if before else 0) + (use.rows or 0)
            self.uses[identity] = use._replace(rows=total)
        for name, count in rows.items():
            for above in self._input(artifact, name) if name else ():
                self.follow(above, dict.fromkeys(_read(above), count), seen | fresh.keys())

    def _input(self, artifact: Artifact, name: str) -> Iterator[Artifact]:
        found = self._artifacts.get(artifact.manifest.inputs[name])
        if found is None:
            self.lost.append(name)
        else:
            yield found


def _named(artifact: Artifact) -> Iterator[tuple[str, str]]:
    """What a stage of rows puts into them, and whom it asks: roles and names."""
    settings = settings_of(artifact)
    if artifact.manifest.kind == "source":
        yield "source", artifact.manifest.stage
    if artifact.manifest.kind == "generate":
        yield "teacher", settings["teacher"]
        if _words_of_others(settings):
            yield "wording", artifact.manifest.stage
    for part in settings.get("filters", ()):
        if "judge" in part:
            yield "judge", part["judge"]["model"]


def _identity(use: Use) -> _Identity:
    """The same for one model under one recipe, whichever stage asked it."""
    manifest = use.artifact.manifest
    if use.role in ("source", "wording"):
        return use.role, use.name, manifest.fingerprint
    science: Any = manifest.science
    recipe = manifest.run.get("recipe_sha256")
    return use.role, use.name, digest([science["models"][use.name], recipe])


def _rows_of(data: Data) -> dict[str, int]:
    """How many rows came from each input; a data set's manifest counts them."""
    numbers: Any = data.artifact.numbers
    if data.artifact.manifest.kind != "mix":
        return dict.fromkeys(_read(data.artifact), numbers["rows"])
    return {
        name: sum(numbers["by_origin"].get(f"{name}.{part}", 0) for part in data.parts)
        for name in settings_of(data.artifact)["rows"]
    }


def _read(artifact: Artifact) -> tuple[str, ...]:
    """The one stage that these rows were made from; a source reads none."""
    settings = settings_of(artifact)
    return (settings.get("seeds") or settings.get("rows") or "",)


def _words_of_others(settings: Mapping[str, Any]) -> bool:
    """Whether the rows hold Orca's messages in their original words, or Wikipedia's topics."""
    scheme = settings["scheme"]
    guided = scheme.get("guided") != "examples" and scheme.get("topics") == "wikipedia"
    return guided or bool(scheme.get("wording") == "original")
