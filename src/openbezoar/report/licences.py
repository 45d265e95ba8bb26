"""The licence of every data set and model of a store, or what stands in the way of one."""

from typing import NamedTuple

from openbezoar.errors import DataError
from openbezoar.licences import verdict
from openbezoar.report.contents import Contents, Made
from openbezoar.store import Store

__all__ = ["Standing", "seen", "standings"]

KINDS = ("mix", "merge")
"""The stages of what is published."""


class Standing(NamedTuple):
    """One data set or model."""

    stage: str
    makes: str
    licence: str
    """As SPDX writes it; empty where none follows."""
    hindrances: tuple[str, ...]
    """Conflicts and unknowns, each in words."""


def seen(contents: Contents) -> dict[str, list[str]]:
    """The stages that each licence was seen in."""
    stages: dict[str, list[str]] = {}
    for made in contents.latest:
        for licence in made.numbers.licences:
            stages.setdefault(licence, []).append(made.name)
    return dict(sorted(stages.items()))


def standings(contents: Contents) -> list[Standing]:
    """Every data set and merged model, in the order of making."""
    return [_standing(made) for made in contents.latest if made.kind in KINDS]


def _standing(made: Made) -> Standing:
    makes, root = made.artifact.manifest.makes, made.artifact.folder.parent
    try:
        found = verdict(Store(root), made.artifact)
    except DataError as error:
        return Standing(made.name, makes, "", (str(error).removeprefix(f"{root}/"),))
    return Standing(made.name, makes, found.spdx or "", found.conflicts + found.unknown)
