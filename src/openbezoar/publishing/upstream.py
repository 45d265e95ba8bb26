"""What lies behind an artifact in its store: the judge of its rows, the base of its adapter."""

from collections.abc import Iterator
from typing import Any

from openbezoar import hub
from openbezoar.publishing.fields import UNNAMED_JUDGE
from openbezoar.store import Artifact, Store

__all__ = ["base_on_the_hub", "judge_of", "upstream"]


def upstream(store: Store, artifact: Artifact) -> Iterator[Artifact]:
    """The artifact and all that it was made from, the nearest first; what is gone is left out."""
    waiting, seen = [artifact], {artifact.manifest.fingerprint}
    while waiting:
        made = waiting.pop(0)
        yield made
        for stage, print_ in made.manifest.inputs.items():
            before = None if print_ in seen else store.find(stage, print_)
            if before is not None:
                seen.add(print_)
                waiting.append(before)


def judge_of(store: Store, artifact: Artifact) -> str:
    """What the recipe calls the judge of the rows; `judge` where there were several."""
    names = {
        str(part["judge"]["model"])
        for made in upstream(store, artifact)
        for part in _settings(made).get("filters", [])
        if part["kind"] == "judged"
    }
    return names.pop() if len(names) == 1 else UNNAMED_JUDGE


def base_on_the_hub(store: Store, adapter: Artifact) -> str | None:
    """The hub's name of the model that an adapter was trained on; None where it has none.

    A revision that the recipe fixes stands behind an @.
    """
    base: Any = adapter.numbers.get("base") or {}
    name = base.get("checkpoint")
    for made in upstream(store, adapter):
        science: Any = made.manifest.science
        spec: Any
        spec, identity = science.get("models", {}).get(name) or ({}, None)
        checkpoint = str(spec.get("checkpoint", ""))
        if checkpoint == hub.EMBEDDED or (checkpoint and identity is None):
            _, at, revision = checkpoint.partition("@")
            public = hub.public_name(checkpoint)
            return public and f"{public}{at}{revision}"
    return None


def _settings(artifact: Artifact) -> dict[str, Any]:
    science: Any = artifact.manifest.science
    settings: dict[str, Any] = science["settings"]
    return settings
