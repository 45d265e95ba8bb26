"""The pictures of a report."""

import re
from xml.etree import ElementTree

import pytest

from openbezoar.records import Score
from openbezoar.report import figures
from openbezoar.report.checkpoints import Checkpoint, Checkpoints, Figure
from openbezoar.report.funnel import Part, Step
from openbezoar.report.judging import Line

STEPS = [Step("dolly", "source", 100, 90, {"empty": 10}), Step("lamini", "generate", 90, 40, {})]
LINES = {"loss": [(1.0, 2.5), (2.0, 2.0)], "valid_loss": [(0.0, 2.6), (2.0, 2.1)]}
SCORES = [
    Score(name="a", value=0.5, n=9, low=0.4, high=0.6),
    None,
    Score(name="a", value=None, n=0),
]
JUDGED = [
    Line("real", True, 9, 0, 0.9, (0.6, 1.0), None, None),
    Line("junk", False, 9, 1, 0.0, None, 1.0, None),
    Line("cut", False, 0, 0, None, None, None, None),
]
LEDGER = Checkpoints(
    ["perplexity.x", "refusals"],
    [
        Checkpoint("base", "checkpoint", {"perplexity.x": Figure(9.0, 8.0, 10.0, 16)}),
        Checkpoint("sft_a_name_that_is_long", "train", {"refusals": Figure(0.1, None, None, 1)}),
        Checkpoint("sft", "merge", {"refusals": Figure(None, None, None, 0, 8)}),
    ],
)
DRAWN = {
    "funnel": lambda: figures.funnel(STEPS, "one"),
    "curve": lambda: figures.curve(LINES, "loss", "one"),
    "metric": lambda: figures.metric(["base", "sft", "dpo"], SCORES, "one"),
    "ledger": lambda: figures.ledger(LEDGER, "one"),
    "accepted": lambda: figures.accepted(JUDGED, "one"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_one_element_in_the_colours_of_the_page(name: str) -> None:
    text = DRAWN[name]()
    assert ElementTree.fromstring(re.sub("xlink:", "", text)).tag == "svg"  # noqa: S314 - ours
    assert "var(--good)" in text
    assert not re.search(r"#[0-9a-f]{6}|http|<style|<metadata|font-family", text)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_the_same_every_time(name: str) -> None:
    assert DRAWN[name]() == DRAWN[name]()


def test_two_pictures_of_a_page_share_no_identifier() -> None:
    one, two = (set(re.findall(r'id="([^"]*)"', figures.funnel(STEPS, name))) for name in "ab")
    assert one
    assert not one & two


def test_a_picture_ignores_the_settings_of_the_user() -> None:
    import matplotlib

    plain = figures.curve(LINES, "loss", "one")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert figures.curve(LINES, "loss", "one") == plain


@pytest.mark.parametrize(
    "name", ["$\\frac{", "<b>&amp;", "日本語", "a\ud800b", "x\x00y", "long " * 30]
)
def test_any_name_can_be_drawn(name: str) -> None:
    text = figures.funnel([Step(name, "filter", 1, 1, {})], "one")
    assert ElementTree.fromstring(text).tag == "svg"  # noqa: S314 - ours
    assert "<b>" not in text


def test_a_funnel_says_its_numbers() -> None:
    text = figures.funnel(STEPS, "one")
    assert "dolly: 90 kept, 10 rejected" in text
    assert "lamini: 40 made<" in text


def test_a_funnel_shows_what_each_part_of_a_stage_did() -> None:
    parts = (Part("length", 8, 1), Part("residue", 8, 0))
    text = figures.funnel([Step("kept", "filter", 9, 8, {"length: x": 1}, parts)], "one")
    assert "\u2013 length: 8 kept, 1 rejected" in text
    assert "\u2013 residue: 8 kept<" in text


def test_a_model_without_a_value_has_no_mark() -> None:
    marks = [figures.metric(["a"], [score], "one").count("<use") for score in SCORES]
    assert marks[1] == marks[2] < marks[0]


def test_a_long_course_is_drawn_by_the_means_of_runs() -> None:
    points = [(float(step), float(step % 2)) for step in range(3000)]
    thin = figures.thinned(points)
    assert len(thin) == 300
    assert thin[0] == (4.5, 0.5)
    assert figures.thinned(points[:3]) == points[:3]


def test_a_course_of_one_step_is_a_point_that_can_be_seen() -> None:
    assert "<use" in figures.curve({"loss": [(1.0, 2.5)]}, "loss", "one")
    assert "<use" not in figures.curve({"loss": [(1.0, 2.5), (2.0, 2.0)]}, "loss", "one")
