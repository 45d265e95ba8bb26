"""What became of a row: the later stages that read it, and what each did with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from openbezoar.lookup import find, with_name_in
from openbezoar.store import Artifact

__all__ = ["Held", "Part", "onward", "place_of"]

SHOWN = 5
"""How many of the rows made from one are named."""


class Part(BaseModel):
    """A part of a passport."""

    model_config = ConfigDict(frozen=True)


class Held(Part):
    """A later stage that read the row: what it did with it, and why."""

    stage: str
    kind: str
    artifact: str
    what: str
    reason: str = ""
    grade: dict[str, Any] | None = None
    rows: tuple[str, ...] = ()
    """The first few of the rows made from it there."""


def onward(name: str, maker: Artifact, artifacts: Sequence[Artifact]) -> Iterator[Held]:
    """Follow the row from artifact to artifact, for as long as it is among the rows passed on."""
    having = {maker.manifest.fingerprint: "rows"}
    for one in artifacts:
        parts = {read: having[p] for read, p in one.manifest.inputs.items() if p in having}
        if not parts:
            continue
        held, passed_on = _use(name, one, parts)
        if passed_on:
            having[one.manifest.fingerprint] = passed_on
        yield held


def place_of(artifact: Artifact) -> dict[str, str]:
    """An artifact as passports name it: its stage, that stage's kind, its folder."""
    manifest = artifact.manifest
    return {"stage": manifest.stage, "kind": manifest.kind, "artifact": artifact.folder.name}


def _use(name: str, artifact: Artifact, parts: Mapping[str, str]) -> tuple[Held, str]:
    """What a stage did with the row, and in which of its files later stages find it.

    `parts` are the files in which it found the row, by the stages that it reads.
    """
    match artifact.manifest.kind:
        case "filter":
            return _judged(name, artifact)
        case "mix":
            names = [name, *(f"{read}/{name}" for read in parts)]
            files = [part for part in ("train", "valid") if _is_in(artifact, part, names)]
            words = {"train": "among the rows to train on", "valid": "among the rows to validate"}
            part = files[0] if files else ""
            return Held(**place_of(artifact), what=words.get(part, "left out by its limit")), part
        case "generate":
            made = with_name_in(artifact.folder / "rows.jsonl", "parents", name)
            rows = [row["id"] for row in made]
            what = f"rows made from it: {len(rows)}"
            return Held(**place_of(artifact), what=what, rows=tuple(rows[:SHOWN])), ""
        case "train":
            what = "validated on it" if "valid" in parts.values() else "trained on it"
            return Held(**place_of(artifact), what=what), ""
    return Held(**place_of(artifact), what="read its data set"), ""


def _judged(name: str, artifact: Artifact) -> tuple[Held, str]:
    for row in find(artifact.folder / "rows.jsonl", [name]):
        grades = [verdict["grade"] for verdict in row.get("verdicts", ()) if verdict.get("grade")]
        grade = grades[-1] if grades else None
        return Held(**place_of(artifact), what="kept", grade=grade), "rows"
    for dropped in find(artifact.folder / "rejected.jsonl", [name], b'"row":{"id":'):
        verdict = dropped["verdict"]
        reason = f"{verdict['filter']}: {verdict['reason']}"
        held = Held(
            **place_of(artifact), what="rejected", reason=reason, grade=verdict.get("grade")
        )
        return held, ""
    return Held(**place_of(artifact), what="not read"), ""


def _is_in(artifact: Artifact, part: str, names: Sequence[str]) -> bool:
    return any(True for _ in find(artifact.folder / f"{part}.jsonl", names))
