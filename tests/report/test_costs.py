"""The report sets what was expected beside what was measured, where a run kept any of it."""

from pathlib import Path

from openbezoar.estimates.estimate import Estimate
from openbezoar.estimates.keeping import FILE, keep
from openbezoar.ranges import exactly
from openbezoar.report.contents import gather
from openbezoar.report.costs import costs_against_plan
from tests.report.conftest import Shelf


def shelf(folder: Path) -> Shelf:
    found = Shelf(folder)
    found.put("seeds", "source", "seeds", {"read": 4, "rows": 4, "rejected": {}, "licences": []})
    return found


def test_a_stage_that_was_estimated_has_a_line_for_each_figure(tmp_path: Path) -> None:
    found = shelf(tmp_path)
    print_ = found.made["seeds"].manifest.fingerprint
    expected = Estimate(stage="seeds", kind="source", fingerprint=print_, seconds=exactly(61))
    keep(found.store, [expected])
    lines = {(one["stage"], one["figure"]): one for one in costs_against_plan(gather(found.store))}
    assert lines["seeds", "seconds"]["difference"] == "+100%"
    assert lines["seeds", "memory_mb"]["estimated"] == "unknown"
    assert lines["total", "seconds"]["actual"] == "30 s"


def test_a_store_without_estimates_or_with_broken_ones_has_no_lines(tmp_path: Path) -> None:
    found = shelf(tmp_path)
    assert costs_against_plan(gather(found.store)) == []
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    assert costs_against_plan(gather(found.store)) == []
    assert costs_against_plan(gather(Shelf(tmp_path / "empty").store)) == []
