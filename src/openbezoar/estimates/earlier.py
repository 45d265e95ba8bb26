"""What earlier runs tell of stages still to be made: only where they did the same work."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import JsonValue

from openbezoar.component import logistics
from openbezoar.estimates.evidence import Evidence
from openbezoar.plan import Step
from openbezoar.store import Artifact

__all__ = ["seen_earlier"]

HARMLESS = frozenset({
    "limit", "failure_share", "requests", "total", "counts",
    "learning_rate", "schedule", "warmup_steps", "warmup_ratio", "weight_decay", "clip", "beta",
    "keep", "most_rise", "missing_share",
})  # fmt: skip
"""The settings that change how much is done or what comes of it, never what a part of it takes."""
OF_WEIGHTS = ("train", "merge", "evaluate")
"""The kinds of stage whose memory and time depend on their runtime."""
BEGINNINGS = ("start", "adapter", "model")
"""The settings that name the weights a stage begins with."""


class _Making(NamedTuple):
    """What determined an artifact, or would."""

    kind: str
    science: Any
    inputs: Mapping[str, str]
    runtime: JsonValue


def seen_earlier(artifacts: Iterable[Artifact], steps: Sequence[Step]) -> dict[str, Evidence]:
    """For each step the newest artifact of its name that was made by the same work.

    Same are the kind, the settings (those that count rows aside), the models, the weights that
    training began with and the runtime. Rows may be others.
    """
    found = list(artifacts)
    made = {one.manifest.fingerprint: _made(one) for one in found}
    known = made | {step.fingerprint: _planned(step) for step in steps}
    return {
        step.name: Evidence(artifact, "earlier run")
        for step in steps
        for artifact in found
        if artifact.manifest.stage == step.name
        and _work(made[artifact.manifest.fingerprint], known)
        == _work(known[step.fingerprint], known)
    }


def _made(artifact: Artifact) -> _Making:
    manifest = artifact.manifest
    return _Making(manifest.kind, manifest.science, manifest.inputs, manifest.run.get("runtime"))


def _planned(step: Step) -> _Making:
    return _Making(step.stage.kind, step.science, step.inputs, logistics(step.stage))


def _work(making: _Making, known: Mapping[str, _Making]) -> tuple[Any, ...]:
    """All that decides what a row takes."""
    settings, models = _part(making, "settings"), _part(making, "models")
    runtime = making.runtime if making.kind in OF_WEIGHTS else None
    return making.kind, _without_harmless(settings), models, _weights(making, known), runtime


def _weights(making: _Making, known: Mapping[str, _Making]) -> Any:
    """The checkpoint behind a line of adapters and merges, as it determines what is made of it."""
    settings, models = _part(making, "settings"), _part(making, "models")
    name = next((str(settings[place]) for place in BEGINNINGS if settings.get(place)), "")
    if not name or name in models:
        return models.get(name)
    before = known.get(making.inputs.get(name, ""))
    return "not here" if before is None else _weights(before, known)


def _part(making: _Making, name: str) -> dict[str, Any]:
    found = making.science.get(name) if isinstance(making.science, dict) else None
    return found if isinstance(found, dict) else {}


def _without_harmless(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {k: _without_harmless(v) for k, v in value.items() if k not in HARMLESS}
    if isinstance(value, list):
        return [_without_harmless(one) for one in value]
    return value
