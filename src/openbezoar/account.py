"""The account of a run: its recipe, its versions, and what every stage of it came to."""

from collections.abc import Sequence
from typing import Any

from openbezoar.component import Component
from openbezoar.errors import DataError
from openbezoar.records import Score
from openbezoar.store import Artifact, Manifest, Store

__all__ = ["FORMAT", "Account", "account_of", "versions_of"]

FORMAT = 1


class Account(Component):
    """What a run was and came to, as far as a document tells."""

    format: int = FORMAT
    recipe: str
    """The text of the recipe."""
    recipe_sha256: str = ""
    """What the digest of that text should be, where it is told."""
    versions: dict[str, str | None] = {}
    made: tuple[Manifest, ...] = ()
    """What the stages came to, in the order of making; nothing where a card alone tells."""
    fingerprint: str = ""
    """The artifact that a card is of."""
    scores: tuple[Score, ...] = ()
    """What a card says that the artifact scored."""


def account_of(artifacts: Sequence[Artifact], recipe_sha256: str = "") -> Account:
    """The account that artifacts of one store give, the newest last, of this recipe or the last.

    Raises DataError where the store does not hold that recipe.
    """
    kept = _recipes(artifacts)
    print_ = recipe_sha256 or next(iter(kept), "")
    if print_ not in kept:
        raise DataError(
            "its recipe is not in the store's folder `recipes`, where every run keeps its own; "
            "run the recipe file itself"
        )
    made = tuple(artifact.manifest for artifact in artifacts)
    versions: dict[str, str | None] = {}
    for manifest in made:
        versions |= versions_of(manifest)
    return Account(recipe=kept[print_], recipe_sha256=print_, versions=versions, made=made)


def versions_of(manifest: Manifest) -> dict[str, str | None]:
    """What code made an artifact: the versions of its libraries, and the commit of ours."""
    found: Any = manifest.run.get("versions")
    versions: dict[str, str | None] = dict(found) if isinstance(found, dict) else {}
    if commit := manifest.run.get("commit"):
        versions["commit"] = str(commit)
    return versions


def _recipes(artifacts: Sequence[Artifact]) -> dict[str, str]:
    """What was run in the store, the last first; nothing where it cannot be read."""
    try:
        return Store(artifacts[-1].folder.parent).recipes() if artifacts else {}
    except (OSError, UnicodeDecodeError):
        return {}
