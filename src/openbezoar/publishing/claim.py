"""Whose place a publication may take: that of its own stage, and another's only on request."""

from collections.abc import Mapping
from typing import NamedTuple

from openbezoar.cards.markdown import in_one_line
from openbezoar.errors import PublishError
from openbezoar.store import Artifact

__all__ = ["OURS", "Claim"]

OURS = "openbezoar"
"""The part of a card's metadata that only our cards have."""


class Claim(NamedTuple):
    """What is to be published, and whether it may take the place of something else of ours."""

    recipe: str
    stage: str
    replace: bool

    @classmethod
    def of(cls, artifact: Artifact, replace: bool) -> "Claim":
        """The claim of an artifact."""
        manifest = artifact.manifest
        return cls(in_one_line(manifest.run.get("recipe", "")), manifest.stage, replace)

    def check(self, place: str, there: Mapping[str, object]) -> None:
        """Raise PublishError where a card's metadata tells of another stage's publication."""
        own = there.get(OURS)
        told = own if isinstance(own, Mapping) else {}
        held = tuple(in_one_line(told.get(name, "")) for name in ("recipe", "stage"))
        if self.replace or held == (self.recipe, self.stage):
            return
        what = f"stage {held[1]} of recipe {held[0]}" if held[1] else "an unnamed stage"
        raise PublishError(
            f"{place}: holds a publication of {what}, and not of {self.stage} of {self.recipe}; "
            "name another place with --to, or put this in its place with --replace"
        )
