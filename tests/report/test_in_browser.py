"""The report in a real browser: everything stands on the page, and nothing is loaded for it."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from openbezoar.records import Seed
from openbezoar.report.page import write
from openbezoar.store import Store
from tests.calibration.browser import Browser, browsing
from tests.report.conftest import Shelf, calibrated, fill

pytestmark = pytest.mark.slow

COMPLETE = "document.readyState === 'complete'"
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
    browser.open(path.as_uri(), ready=COMPLETE)
    return browser


def test_the_figures_of_a_calibration_stand_beside_their_picture(page: Browser) -> None:
    cells = "[...document.querySelectorAll('.calibration tbody tr')].map(row => row.innerText)"
    found = page.script(cells)
    assert [text.split()[0] for text in found] == ["kappa", "agreement", "precision", "recall"]
    assert "0.390 to 0.530" in found[0]
    assert page.script("document.querySelectorAll('.calibration figure svg').length") == 1
    assert page.script(VISIBLE.format(".calibration svg, .calibration tr"))


@pytest.mark.parametrize("width", [360, 1000, 1400])
def test_no_part_of_the_page_is_wider_than_the_window(page: Browser, width: int) -> None:
    page.resize(width, 760)
    assert page.script("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", [360, 1400])
def test_a_word_of_any_length_stays_on_the_page(browser: Browser, shelf: Shelf, width: int) -> None:
    fill(shelf, "x" * 900)
    browser.open(write(shelf.store, shelf.store.root / "report.html").as_uri(), ready=COMPLETE)
    browser.resize(width, 760)
    browser.script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.script("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_a_phone_only_tables_of_many_models_are_moved_sideways(page: Browser) -> None:
    page.resize(360, 760)
    page.script("document.querySelectorAll('details').forEach(one => one.open = true)")
    scrolled = "[...document.querySelectorAll('.scroll')]"
    wide = f"{scrolled}.filter(one => one.scrollWidth > one.clientWidth)"
    assert page.script(f"{wide}.every(one => one.matches('.broad'))")


def test_the_slash_key_leads_to_the_search_and_escape_empties_it(page: Browser) -> None:
    for key in "/JUDGED":
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
    assert page.script("[document.activeElement.id, box.value]") == ["find", "JUDGED"]
    assert page.text("#found")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    assert page.script("box.value") == page.text("#found") == ""


def test_what_has_the_focus_can_be_seen(page: Browser) -> None:
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
    style = "getComputedStyle(document.activeElement)"
    assert page.script("document.activeElement.tagName") == "A"
    assert page.script(f"{style}.outlineStyle") == "solid"


SHOWN = "[...document.querySelectorAll('#samples .row')].filter(row => !row.hidden).length"
HOSTILE = (
    "</dd></dl></script><script>document.title='owned'</script>"
    "<img src=x onerror=\"document.title='owned'\"><style>body{display:none}</style>"
)


def typed(page: Browser, words: str) -> None:
    """Type into the field that finds rows."""
    page.script(f"box.value = {json.dumps(words)}; box.dispatchEvent(new Event('input'))")


def test_rows_are_found_by_their_words_and_all_come_back(page: Browser) -> None:
    every = page.script(SHOWN)
    assert page.script(VISIBLE.format(".search"))
    typed(page, "JUDGED  heavy")
    assert 0 < page.script(SHOWN) < every
    assert page.text("#found").endswith(f"of {every} rows shown here")
    opened = page.script("document.querySelectorAll('#samples > details[open]').length")
    assert 0 < opened < page.script("document.querySelectorAll('#samples > details').length")
    typed(page, "no such words")
    assert page.script("document.querySelectorAll('#samples > details:not([hidden])').length") == 0
    typed(page, "")
    assert page.script(SHOWN) == every


def test_finding_rows_leaves_offensive_ones_behind_their_warning(page: Browser) -> None:
    typed(page, "unkindwords")
    assert page.script("document.querySelectorAll('#samples details details[open]').length") == 0
    assert "harmful text" in page.script("document.getElementById('samples').innerText")


def test_without_scripts_every_row_can_be_read(browser: Browser, line: Shelf) -> None:
    path = write(line.store, line.store.root / "report.html")
    browser.open("about:blank", ready="true")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=path.as_uri())
    browser.wait("document.readyState === 'complete' && document.getElementById('samples')")
    assert browser.script("document.querySelector('.search').hidden")
    assert browser.script(SHOWN) > 4


def test_rows_and_manifests_with_script_in_them_are_text(browser: Browser, shelf: Shelf) -> None:
    counts = {"read": 1, "rows": 1, "rejected": {HOSTILE: 1}, "licences": [HOSTILE]}
    rows = [Seed(id=HOSTILE, instruction=HOSTILE, context=HOSTILE)]
    shelf.put("seeds", "source", "seeds", counts, files={"rows.jsonl": rows})
    shelf.store.keep_recipe(f"name: {HOSTILE}")
    path = write(shelf.store, shelf.store.root / "report.html")
    browser.open(path.as_uri(), ready=COMPLETE)
    typed(browser, "onerror=")
    assert browser.script("document.title") == "small: report"
    assert (
        browser.script("document.querySelectorAll('img, #samples script, body style').length") == 0
    )
    assert HOSTILE in browser.script("document.querySelector('#samples .row').innerText")
    assert len(browser.requested) == 1


def test_it_prints_on_pages_of_paper(page: Browser) -> None:
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert page.script("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.script("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown = "[...document.querySelectorAll('{}')].some(one => one.checkVisibility("
    shown += "{{contentVisibilityAuto: true}}) && one.getBoundingClientRect().height > 0)"
    assert page.script(shown.format(".samples:not(.guarded) .row"))
    assert not page.script(shown.format(".guarded .row"))
    assert len(page.call("Page.printToPDF")["data"]) > 10_000
    page.call("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_by_day_and_by_night(page: Browser, scheme: str) -> None:
    page.prefer(scheme)
    ink, paper = (
        sum(int(part) for part in re.findall(r"\d+", page.script(
            f"getComputedStyle(document.body).{name}"))[:3])
        for name in ("color", "backgroundColor")
    )  # fmt: skip
    assert (paper - ink > 450) if scheme == "light" else (ink - paper > 450)


def test_the_picture_in_the_readme_is_taken_of_a_real_report(
    browser: Browser, line: Shelf, tmp_path: Path
) -> None:
    """`make pictures` names the store of the quickstart and the folder of the pictures."""
    store = Store(Path(os.environ.get("OPENBEZOAR_PICTURED", line.store.root)))
    picture = Path(os.environ.get("OPENBEZOAR_PICTURES", tmp_path)) / "report.png"
    browser.open(write(store, tmp_path / "report.html").as_uri(), ready=COMPLETE)
    browser.call("Emulation.setScrollbarsHidden", hidden=True)
    browser.resize(1000, 1240)
    browser.prefer("light")
    browser.script("document.getElementById('training').scrollIntoView({behavior: 'instant'})")
    browser.screenshot(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000


def test_the_page_asks_for_nothing_but_itself(page: Browser) -> None:
    assert len(page.requested) == 1
    assert page.requested[0].startswith("file://")
