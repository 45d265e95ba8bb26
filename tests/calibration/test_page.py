"""The labelling page in a real browser: keys alone, all saved at once, nothing from outside."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openbezoar.calibration.desk import Desk
from openbezoar.calibration.web import serving
from openbezoar.records import Example, Message
from tests.calibration.browser import Browser, browsing
from tests.calibration.conftest import row

pytestmark = pytest.mark.slow

Lines = Callable[[], list[dict[str, object]]]
HOSTILE = (
    "</div><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<style>body{display:none}</style>\x1b[31m\u202eevil\u202c&lt;b&gt; \x00"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_a_person_labels_with_keys_alone(
    browser: Browser, desk: Callable[..., Desk], lines: Lines
) -> None:
    with serving(desk()) as (address, done):
        browser.open(address)
        assert browser.text("#count") == "0 of 3 have an answer"
        assert browser.text(".answer .text") == "Answer 0."
        browser.press("a")
        assert (browser.text("#count"), lines()[-1]["label"]) == ("1 of 3 have an answer", "accept")
        assert browser.script("document.querySelector('progress').value") == 1
        browser.press("r")
        browser.press("ArrowLeft")
        browser.press("ArrowLeft")
        assert browser.text(".said") == "you said: accept"
        browser.press("ArrowRight")
        assert browser.text(".said") == "you said: reject"
        browser.press("R")
        browser.press("s")
        assert "Every row has an answer." in browser.text("#row")
        assert not done.is_set()
        browser.press("Enter")
        assert done.wait(10)
    assert [(line["row"], line["label"]) for line in lines()] == [
        ("r0", "accept"), ("r1", "reject"), ("r1", "reject"), ("r2", "skip")
    ]  # fmt: skip


def test_u_takes_back_and_shows_the_row_again(
    browser: Browser, desk: Callable[..., Desk], lines: Lines
) -> None:
    with serving(desk()) as (address, _):
        browser.open(address)
        for key in ("a", "a", "u"):
            browser.press(key)
        assert (browser.text(".answer .text"), browser.text("#count")) == (
            "Answer 1.", "1 of 3 have an answer"
        )  # fmt: skip
    assert lines()[-1] == {
        "row": "r1", "text": lines()[1]["text"], "label": None, "undo": True
    }  # fmt: skip


def test_a_reloaded_page_and_a_restarted_program_go_on_where_they_were(
    browser: Browser, desk: Callable[..., Desk]
) -> None:
    for expected in ("Answer 0.", "Answer 1.", "Answer 2."):
        with serving(desk()) as (address, _):
            browser.open(address)
            browser.open(address)
            assert browser.text(".answer .text") == expected
            browser.press("a")


def test_the_text_of_a_row_is_shown_and_never_obeyed(
    browser: Browser, desk: Callable[..., Desk]
) -> None:
    turns = [
        Message(role="system", content=f"system {HOSTILE}"),
        Message(role="user", content=f"user {HOSTILE}"),
        Message(role="assistant", content=f"assistant {HOSTILE}"),
    ]
    hostile = Example(id=f"id {HOSTILE}", messages=tuple(turns), target=f"target {HOSTILE}")
    with serving(desk(hostile)) as (address, _):
        browser.open(address)
        shown = browser.text("#row")
        assert shown.count("<script>document.title='owned'</script>") == 5
        assert shown.count("\\x1b[31m\\u202eevil\\u202c&lt;b&gt; \\x00") == 5
        assert browser.script("document.title") == "0 of 1 · kept"
        assert (
            browser.script("document.querySelectorAll('img, #row script, #row style').length") == 0
        )
        assert {url.split("/")[2] for url in browser.requested if url != "data:,"} == {
            address.split("/")[2]
        }


def test_nothing_on_the_page_tells_the_judges_verdict(
    browser: Browser, desk: Callable[..., Desk]
) -> None:
    from openbezoar.records import Grade, Verdict

    grade = Grade(status="Reject", rating=4711, reason="The judge found it poor.")
    verdict = Verdict(filter="judged", keep=False, reason="rejected", grade=grade)
    graded = row("r1", "An answer.").model_copy(update={"verdicts": (verdict,)})
    with serving(desk(graded)) as (address, _):
        browser.open(address)
        everything = str(
            browser.script("document.documentElement.outerHTML + JSON.stringify(shown)")
        )
        assert "An answer." in everything
        assert not any(word in everything for word in ("4711", "poor", "rejected"))


def test_when_the_program_has_stopped_the_page_says_so_and_stays(
    browser: Browser, desk: Callable[..., Desk]
) -> None:
    with serving(desk()) as (address, _):
        browser.open(address)
    browser.press("a")
    assert browser.text("#alarm").startswith("Not saved: the program in the terminal has stopped.")
    assert browser.text(".answer .text") == "Answer 0."


def test_enter_before_the_end_asks_first(browser: Browser, desk: Callable[..., Desk]) -> None:
    with serving(desk()) as (address, done):
        browser.open(address)
        browser.press("Enter")
        assert browser.text("#alarm").startswith("3 rows have no answer yet.")
        browser.press("a")
        browser.press("Enter")
        assert not done.is_set()
        browser.press("Enter")
        assert done.wait(10)


def test_a_text_of_a_megabyte_is_shown_whole(browser: Browser, desk: Callable[..., Desk]) -> None:
    with serving(desk(row("long", "word " * 200_000))) as (address, _):
        browser.open(address)
        assert browser.script("document.querySelector('.answer .text').textContent.length") == 10**6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_in_dark(
    browser: Browser, desk: Callable[..., Desk], tmp_path: Path, scheme: str
) -> None:
    with serving(desk()) as (address, _):
        browser.open(address)
        browser.prefer(scheme)
        browser.press("a")
        browser.press("ArrowLeft")
        for part in ("body", ".said", "h2", ".answer .text", "button", "kbd", "#count"):
            assert contrast(browser, part) >= 4.5, part
        browser.screenshot(tmp_path / f"{scheme}.png")
        assert (tmp_path / f"{scheme}.png").stat().st_size > 5000


CONTRAST = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const solid = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
  };
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0.05);
  const node = document.querySelector(PART);
  const both = [light(channels(getComputedStyle(node).color)), light(solid(node))];
  return Math.max(...both) / Math.min(...both);
})()"""


def contrast(browser: Browser, part: str) -> float:
    """The contrast of a part's text with what is behind it."""
    return float(browser.script(CONTRAST.replace("PART", repr(part))))
