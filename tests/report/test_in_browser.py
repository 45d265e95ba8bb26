"""The report in a real browser: everything stands on the page, and nothing is loaded for it."""

from collections.abc import Iterator

import pytest

from openbezoar.report.page import write
from tests.calibration.browser import Browser, browsing
from tests.report.conftest import Shelf, calibrated

pytestmark = pytest.mark.slow

VISIBLE = (
    "[...document.querySelectorAll('{}')].every(one => one.getBoundingClientRect().height > 0)"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, line: Shelf) -> Browser:
    """The report of a run with a calibrated judge, opened from its file."""
    line.put("orca_kept", "filter", "examples", calibrated())
    path = write(line.store, line.store.root / "report.html")
    browser.open(path.as_uri(), ready="document.readyState === 'complete'")
    return browser


def test_the_figures_of_a_calibration_stand_beside_their_picture(page: Browser) -> None:
    cells = "[...document.querySelectorAll('.calibration tbody tr')].map(row => row.innerText)"
    found = page.script(cells)
    assert [text.split()[0] for text in found] == ["kappa", "agreement", "precision", "recall"]
    assert "0.390 to 0.530" in found[0]
    assert page.script("document.querySelectorAll('.calibration figure svg').length") == 1
    assert page.script(VISIBLE.format(".calibration svg, .calibration tr"))


@pytest.mark.parametrize("width", [360, 1000])
def test_no_part_of_the_page_is_wider_than_the_window(page: Browser, width: int) -> None:
    page.resize(width, 760)
    assert page.script("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_page_asks_for_nothing_but_itself(page: Browser) -> None:
    assert len(page.requested) == 1
    assert page.requested[0].startswith("file://")
