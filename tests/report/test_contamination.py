"""What a search for the items of benchmarks found is told by benchmark."""

from typing import Any

from openbezoar.report.contamination import searches
from openbezoar.report.contents import gather
from openbezoar.report.page import render
from tests.report.conftest import Shelf

HIT = {"row": "row-7", "task": "arc_easy", "item": "arc_easy.3", "score": 0.9, "span": "<b>water"}
TASKS = {
    "piqa": {"items": 1838, "unsearchable": 2, "found": 0, "rows": 0},
    "arc_easy": {"items": 2376, "unsearchable": 0, "found": 1, "rows": 1},
    "boolq": {"items": 3270, "unsearchable": 0, "found": 4, "rows": 2},
}


def put_search(shelf: Shelf, flagged: str) -> None:
    told: dict[str, Any] = {"flagged": flagged, "rows": 3, "tasks": TASKS, "hits": [HIT]}
    numbers = {"read": 9, "rows": 6, "rejected": {"contamination: contaminated": 3}}
    shelf.put("kept", "filter", "examples", {**numbers, "contamination": told})


def test_benchmarks_that_were_found_come_first_those_with_most_rows_before(shelf: Shelf) -> None:
    put_search(shelf, "drop")
    (search,) = searches(gather(shelf.store))
    assert list(search.found) == ["boolq", "arc_easy"]
    assert search.clean == ["piqa"]


def test_the_page_shows_each_hit_with_its_item_and_its_words(shelf: Shelf) -> None:
    put_search(shelf, "drop")
    page = render(gather(shelf.store))
    assert "arc_easy.3" in page
    assert "&lt;b&gt;water" in page
    assert "kept on request" not in page


def test_the_page_says_when_contaminated_rows_were_kept(shelf: Shelf) -> None:
    put_search(shelf, "keep")
    assert "3 contaminated rows kept on request" in render(gather(shelf.store))


def test_a_store_without_a_search_has_no_such_section(line: Shelf) -> None:
    assert searches(gather(line.store)) == []
    assert 'id="contamination"' not in render(gather(line.store))
