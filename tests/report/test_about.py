"""What heads the report."""

from openbezoar.report.about import about
from openbezoar.report.contents import gather
from tests.report.conftest import Shelf


def test_the_facts_of_all_stages_are_told_together(line: Shelf) -> None:
    told = about(gather(line.store))
    assert (told.recipes, told.machines, told.commits) == (
        ["small"], ["Linux x86_64"], ["0123456789ab"],
    )  # fmt: skip
    assert told.seconds == 30.5 * len(line.made)
    assert (told.started[:16], told.finished[:16]) == ("2026-11-02T09:01", "2026-11-02T09:13")


def test_a_library_that_is_not_installed_has_no_version(line: Shelf) -> None:
    assert about(gather(line.store)).versions == {"python": "3.11.9", "torch": "2.13.0"}


def test_an_empty_store_has_no_peak_rather_than_a_zero(shelf: Shelf) -> None:
    told = about(gather(shelf.store))
    assert (told.peak_mb, told.recipes, told.older) == (None, [], 0)


def test_artifacts_of_which_a_newer_one_was_made_are_counted(shelf: Shelf) -> None:
    for limit in (5, 6):
        numbers: dict[str, object] = {"read": limit, "rows": limit, "rejected": {}}
        shelf.put("seeds", "source", "seeds", numbers, settings={"limit": limit})
    assert about(gather(shelf.store)).older == 1
