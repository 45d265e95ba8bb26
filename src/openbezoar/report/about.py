"""What heads the report: which recipe, when, where, and with which versions."""

from collections.abc import Iterable
from typing import NamedTuple

from openbezoar.report.contents import Contents

__all__ = ["About", "about"]


class About(NamedTuple):
    """The facts of all stages together; of each list every value once, in the order of making."""

    recipes: list[str]
    machines: list[str]
    commits: list[str]
    versions: dict[str, str]
    """Of every library, or several where stages were made with different ones."""
    started: str
    finished: str
    seconds: float
    """In stages that are finished."""
    peak_mb: float | None
    older: int
    """Artifacts of which a newer one was made."""


def about(contents: Contents) -> About:
    """The facts that manifests tell."""
    runs = [made.run for made in contents.latest]
    versions: dict[str, set[str]] = {}
    for run in runs:
        for name, version in run.versions.items():
            if version:
                versions.setdefault(name, set()).add(version)
    return About(
        _each(run.recipe for run in runs),
        _each(run.machine for run in runs),
        _each(run.commit or "" for run in runs),
        {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
        min((run.started for run in runs if run.started), default=""),
        max((run.finished for run in runs if run.finished), default=""),
        sum(run.seconds or 0 for run in runs),
        max((run.peak_memory_mb for run in runs if run.peak_memory_mb is not None), default=None),
        len(contents.by_print) - len(contents.latest),
    )


def _each(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
