"""What stages were expected to take when they began, beside what they took."""

from openbezoar.errors import StoreError
from openbezoar.estimates.actual import compared
from openbezoar.estimates.keeping import kept
from openbezoar.estimates.tables import comparison_rows
from openbezoar.report.contents import Contents
from openbezoar.store import Store

__all__ = ["costs_against_plan"]


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
