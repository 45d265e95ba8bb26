"""What stages asked of models, and what they were expected to take beside what they took."""

from openbezoar.errors import StoreError
from openbezoar.estimates.actual import compared
from openbezoar.estimates.keeping import kept
from openbezoar.estimates.tables import comparison_rows
from openbezoar.report.contents import Contents
from openbezoar.store import Store

__all__ = ["costs_against_plan", "usage"]


def usage(contents: Contents) -> list[tuple[str, dict[str, int | float]]]:
    """What was asked of models, by stage, then in total; nothing where none was asked."""
    used = [(made.name, made.run.usage) for made in contents.latest if made.run.usage]
    counted = {name for _, usage in used for name in usage} & {"usd", "unpriced", "uncounted"}
    names = ("requests", "cached", "tokens_in", "tokens_out", *sorted(counted))
    total = {
        name: sum(usage.get(name, 0) for _, usage in used)
        for name in names
        if any(name in usage for _, usage in used)
    }
    return [*used, ("total", total)] if used else []


def costs_against_plan(contents: Contents) -> list[dict[str, str | None]]:
    """A line for each stage and figure that was estimated, then those of all stages together.

    No lines where no run has kept an estimate, or what was kept cannot be read.
    """
    artifacts = [made.artifact for made in contents.latest]
    if not artifacts:
        return []
    try:
        estimates = kept(Store(artifacts[0].folder.parent))
    except StoreError:
        return []
    return comparison_rows(compared(estimates, artifacts))
