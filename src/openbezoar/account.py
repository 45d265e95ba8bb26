"""The account of a run: its recipe, its versions, and what every stage of it came to."""

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.errors import DataError
from openbezoar.records import Score
from openbezoar.store import Manifest

__all__ = ["Account", "account_of"]

FORMAT = 1
CONTENT = "recipe_content"
"""Where a manifest holds the recipe."""


class Account(Component):
    """What a run was and came to, as far as a document tells."""

    format: int = FORMAT
    recipe: dict[str, JsonValue]
    versions: dict[str, str | None] = {}
    made: tuple[Manifest, ...] = ()
    """What the stages came to, in the order of making; nothing where a card alone tells."""
    fingerprint: str = ""
    """The artifact that a card is of."""
    scores: tuple[Score, ...] = ()
    """What a card says that the artifact scored."""


def account_of(manifests: Sequence[Manifest]) -> Account:
    """The account that manifests of one store give, the newest last, of its newest recipe.

    Raises DataError where that recipe is not known.
    """
    recipe: Any = manifests[-1].run.get(CONTENT) if manifests else None
    if not isinstance(recipe, dict) or not isinstance(recipe.get("stages"), dict):
        raise DataError("made by a version that kept no recipe; run the recipe file itself")
    made = [_bare(one) for one in manifests if one.stage in recipe["stages"]]
    versions: dict[str, str | None] = {}
    for one in made:
        found: Any = one.run.get("versions")
        versions |= found if isinstance(found, dict) else {}
    return Account(recipe=recipe, versions=versions, made=tuple(made))


def _bare(manifest: Manifest) -> Manifest:
    """The manifest without the recipe, which the account holds once."""
    run = {name: value for name, value in manifest.run.items() if name != CONTENT}
    return manifest.model_copy(update={"run": run})
