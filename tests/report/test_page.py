"""The page as a whole: complete, self-contained, the same every time, and safe to open."""

import json
import re
import time
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbezoar.errors import StoreError
from openbezoar.estimates.estimate import Estimate
from openbezoar.estimates.keeping import keep
from openbezoar.ranges import exactly
from openbezoar.records import Score, Seed
from openbezoar.report.page import write
from openbezoar.store import Store
from tests.report.conftest import EMBEDDED, Shelf, calibrated, example, fill, rejected

HOSTILE = [
    "</pre></script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'></dd><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>body{display:none}</style>",
    "\u202egnp.exe\u0000\u001b[2J",
    "javascript:alert(1)",
    "$\\frac{1}{$ <tspan>",
]


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        self.tags.append((tag, dict(attrs)))


def page_of(shelf: Shelf) -> str:
    """The page about a store."""
    return write(shelf.store, shelf.store.root.parent / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What is read on the page, blanks as one."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.replace("<wbr>", "")).split())


def test_the_page_of_a_whole_run_has_every_section(line: Shelf) -> None:
    page = page_of(line)
    for section in ("line", "ledger", "rows", "judges", "training", "checkpoints", "merges",
                    "samples", "costs", "licences", "settings", "environment"):  # fmt: skip
        assert f'<section id="{section}">' in page
        assert f'<a href="#{section}">' in page.partition("</nav>")[0]
    for stage in line.made:
        assert f"<th>{stage}</th>" in page.replace("<wbr>", "")


def section_of(page: str, name: str) -> str:
    """One section of a page."""
    return page.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def test_the_line_tells_what_every_stage_made_when_and_at_what_cost(line: Shelf) -> None:
    told = text_of(section_of(page_of(line), "line"))
    assert "instructions source 100 of 103 rows made 2026-11-02 09:01 UTC 30.5 s 1.5 GB" in told
    assert "pairs source 64 of 64 rows made 09:02 30.5 s 1.5 GB" in told


def test_every_line_of_rows_has_its_funnel_with_its_scheme(shelf: Shelf) -> None:
    shelf.put("seeds", "source", "seeds", {"read": 24, "rows": 24, "rejected": {}})
    failed = {"cut by the token limit": 8, "copied marker phrases": 4}
    numbers = {"seeds": 24, "requests": 36, "rows": 12, "failed": failed,
               "scheme": "evol_instruct", "eliminated": {"copied marker phrases": 4}}  # fmt: skip
    shelf.put("evol", "generate", "examples", numbers, reads=["seeds"])
    told = text_of(section_of(page_of(shelf), "rows"))
    assert "rules of the scheme: 12 passed, 4 eliminated" in told
    assert "evol generate evol_instruct 24 seeds in 36 requests 12 12 8 cut by the token" in told


def test_every_course_has_its_curves_of_loss_and_preferences(line: Shelf) -> None:
    pictures = re.findall(r'aria-label="(\w+) of (\w+) by step"', page_of(line))
    assert pictures == [
        ("loss", "sft_adapter"), ("loss", "dpo"), ("margin", "dpo"), ("accuracy", "dpo"),
    ]  # fmt: skip


def test_an_alarm_of_a_training_is_said_aloud(shelf: Shelf) -> None:
    numbers = {"rows": 1, "steps": 9, "tokens": 9, "first_loss": 2.0, "last_loss": 1.0}
    shelf.put("dpo", "train", "adapter", {**numbers, "alarms": ["saturated margins"]})
    assert "dpo: saturated margins" in text_of(page_of(shelf))


def test_what_was_expected_stands_beside_what_it_took(line: Shelf) -> None:
    assert 'id="plan"' not in page_of(line)
    print_ = line.made["lamini"].manifest.fingerprint
    keep(line.store, [
        Estimate(stage="lamini", kind="generate", fingerprint=print_, seconds=exactly(61))
    ])  # fmt: skip
    told = text_of(section_of(page_of(line), "costs"))
    assert "All stages together: stage figure expected" in told
    assert "Every stage stage figure" in told
    assert "lamini seconds 1 min 1 min 30 s +100%" in told


def test_machine_code_and_versions_are_told(line: Shelf) -> None:
    told = text_of(section_of(page_of(line), "environment"))
    assert "machine Linux x86_64 code commit 0123456789ab versions" in told
    assert "python 3.11.9, torch 2.13.0" in told
    assert "bitsandbytes" not in told


def test_every_heading_can_be_linked_to(line: Shelf) -> None:
    line.put("kept", "filter", "examples", calibrated())
    page = page_of(line)
    ids = {given.get("id") for _, given in Elements(page).tags}
    headings = re.findall(r"<h[23][^>]*>.*?</h[23]>", page, re.DOTALL)
    linked = [re.search(r'class="here" href="#([^"]*)"', heading) for heading in headings]
    assert len(headings) > 12
    assert all(link is not None and link[1] in ids for link in linked)


def test_what_holds_for_every_judge_of_a_kind_is_said_once(shelf: Shelf) -> None:
    judge = {"judge": "likelihood", "model": "student", "label": "model-135m"}
    for stage in ("lamini_kept", "orca_kept"):
        shelf.put(stage, "filter", "examples",
                  {"read": 5, "rows": 5, "rejected": {}, "judges": [judge]})  # fmt: skip
    assert text_of(page_of(shelf)).count("This is a likelihood judge") == 1


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "wash", "alarm-wash"])
@pytest.mark.parametrize("text", ["ink", "quiet", "good", "bad", "alarm"])
def test_every_text_stands_out_from_every_ground(
    shelf: Shelf, scheme: str, ground: str, text: str
) -> None:
    style = page_of(shelf)
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", themes[scheme == "dark"]))
    low, high = sorted(luminance(colours[name]) for name in (ground, text))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_money_has_a_column_only_where_somebody_bills(line: Shelf) -> None:
    assert "US dollars" not in text_of(page_of(line))
    mix = {"train": 1, "valid": 1}
    line.put("paid", "mix", "examples data set", mix, usage={"requests": 3, "usd": 1234.5})
    line.put("cheap", "mix", "examples data set", mix, usage={"requests": 3, "usd": 0.0123})
    assert re.search(r"paid 3 - - - \$1,234\.50", text_of(page_of(line)))
    assert re.search(r"cheap 3 - - - \$0\.0123", text_of(page_of(line)))
    line.put("odd", "mix", "examples data set", mix, usage={"requests": 3, "unpriced": 3})
    page = text_of(page_of(line))
    assert re.search(r"odd 3 - - - unknown", page)
    assert re.search(r"total .* \$1,234\.51 and an unknown part", page)


def test_the_report_opens_without_a_network(line: Shelf) -> None:
    page = page_of(line)
    tags = Elements(page).tags
    links = [value for _, given in tags for name, value in given.items() if name in LOADING]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert not re.search(r"https?:|@import|url\((?!#)", page.partition('id="account"')[0])
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in tags}


def test_the_only_script_that_may_run_is_our_own(line: Shelf) -> None:
    line.store.keep_recipe("name: </script><script>")
    page = page_of(line)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    digests = [b64encode(sha256(text.encode()).digest()).decode() for _, text in scripts]
    assert re.findall("'sha256-(.*?)'", page) == digests[:1]
    assert [given for given, _ in scripts[1:]] == [' type="application/json" id="account"']


def test_every_anchor_leads_to_one_element(line: Shelf) -> None:
    tags = Elements(page_of(line)).tags
    names = [given["id"] for _, given in tags if "id" in given]
    assert len(names) == len(set(names))
    wanted = {str(given["href"])[1:] for tag, given in tags if tag == "a"}
    assert wanted <= set(names)


def test_the_same_store_gives_the_same_bytes(line: Shelf, tmp_path: Path) -> None:
    first = write(line.store, tmp_path / "one.html").read_bytes()
    assert write(line.store, tmp_path / "two.html").read_bytes() == first
    line.store.root.rename(tmp_path / "elsewhere")
    assert write(Store(tmp_path / "elsewhere"), tmp_path / "three.html").read_bytes() == first


def test_no_character_that_steers_a_screen_is_on_the_page(shelf: Shelf) -> None:
    steering = "\x00\x1b\x7f\u200f\u202e\u2066\u2028"
    fill(shelf, f"a{steering}b")
    page = page_of(shelf)
    assert not set(steering) & set(page)
    assert "a\\x00\\x1b" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(shelf: Shelf, text: str) -> None:
    fill(shelf, "harmless")
    before = Elements(page_of(shelf)).tags
    other = Shelf(shelf.store.root.parent / "other")
    other.store.root.mkdir()
    fill(other, text)
    after = Elements(page_of(other)).tags
    shape = [(tag, sorted(given)) for tag, given in before if tag != "wbr"]
    assert [(tag, sorted(given)) for tag, given in after if tag != "wbr"] == shape


PIECES = ["<", ">", "/", "&", '"', "'", "!--", "script", "style", "dd", "dl", "]]>", "=", " ", "\n",
          "textarea", "\0", "\u2028", "\\", "{{", "x"]  # fmt: skip


@settings(max_examples=15)
@given(st.lists(st.lists(st.sampled_from(PIECES)).map("".join), min_size=12, max_size=12))
def test_no_row_can_leave_its_place(texts: list[str]) -> None:
    shapes = []
    for shown in (texts, ["harmless"] * 12):
        rows = [Seed(id=text or "x", instruction=text or "x", context=text or "x")
                for text in shown]  # fmt: skip
        with TemporaryDirectory() as folder:
            shelf = Shelf(Path(folder))
            counts = {"read": 12, "rows": 12, "rejected": {}}
            shelf.put("seeds", "source", "seeds", counts, files={"rows.jsonl": rows})
            shelf.store.keep_recipe("".join(shown))
            shapes.append(Elements(page_of(shelf)).tags)
    assert shapes[0] == shapes[1]


def test_a_judge_is_shown_beside_a_person_s_labels(shelf: Shelf) -> None:
    shelf.put("kept", "filter", "examples", calibrated())
    text = text_of(page_of(shelf))
    assert "Rows are kept from a rating of 0.35 on, whatever the verdict" in text
    assert "on 80 labelled rows (52 accepted, 28 rejected); 2 more had no readable grade" in text
    assert "kappa agreement beyond what chance alone gives 0.470 0.390 to 0.530 80" in text
    assert "Stale" not in text
    shelf.put("kept", "filter", "examples", calibrated("4567"))
    assert "Stale: the labels were compared with another judge" in text_of(page_of(shelf))


def test_a_judge_that_nobody_calibrated_says_so(line: Shelf) -> None:
    assert "Not calibrated: no person's labels say" in text_of(page_of(line)).replace("&#39;", "'")


def test_a_figure_that_could_not_be_measured_is_a_dash(shelf: Shelf) -> None:
    shelf.put("kept", "filter", "examples", calibrated(kappa={"value": None, "n": 0}))
    assert "kappa agreement beyond what chance alone gives - 0" in text_of(page_of(shelf))


def test_preferences_are_closed_behind_a_warning(line: Shelf) -> None:
    page = page_of(line)
    before, _, _ = page.partition("UNKINDWORDS")
    assert before.rindex("offensive or harmful") > before.rindex("</details>")
    assert "<details open" not in page


def test_what_a_stage_forgot_and_how_it_answers_is_in_one_line(line: Shelf) -> None:
    page = text_of(page_of(line))
    assert "sft_adapter train 5.697 4.665 to 6.959 n 14 - 0.625 0.306 to 0.863 n 8" in page
    assert "dpo train 6.123 5.013 to 7.478 n 14 +0.072 since sft_adapter 11.023" in page


def test_the_ledger_of_the_line_is_one_picture_and_one_table(line: Shelf) -> None:
    section = page_of(line).partition('<section id="checkpoints">')[2].partition("</section>")[0]
    assert (section.count("<svg"), section.count("<table")) == (1, 1)
    assert text_of(section).count("repetition") >= 2


def test_both_rules_of_a_merge_are_told_the_kept_one_first(line: Shelf) -> None:
    page = text_of(page_of(line))
    kept = "sft 134,515,008 dequantised nearer to the model as trained 0.00310 98.4 % +0.0011 1,200"
    assert f"{kept} not kept 134,515,008 original 0.34120 98.4 % -0.2100 1,200" in page
    assert "dpo_model 134,515,008 - - - - -" in page


def test_a_step_that_was_kept_before_the_last_is_named(shelf: Shelf) -> None:
    numbers = {"rows": 1, "steps": 9, "tokens": 9, "first_loss": 2.0, "last_loss": 1.0}
    for name, step in (("early", 7), ("late", 9)):
        shelf.put(name, "train", "adapter", {**numbers, "kept_step": step})
    page = text_of(page_of(shelf))
    assert "kept: step 7" in page
    assert "kept: step 9" not in page


def test_every_note_of_a_score_is_visible(line: Shelf) -> None:
    page = page_of(line)
    notes = page[page.index('<ol class="notes">') : page.index("</ol>")]
    for note in (EMBEDDED, "2140 answer tokens", "0-shot; first 60 rows of each task"):
        assert note in notes


def test_a_flag_stands_beside_the_value_and_the_picture(shelf: Shelf) -> None:
    for name, flags in (("one", ["first 40 rows", "zero"]), ("two", ["first 40 rows"])):
        score = Score(name="rte.acc", value=0.0, n=40, flags=tuple(flags))
        shelf.put(f"eval_{name}", "evaluate", "scores",
                  {"model": name, "scores": [score.model_dump(mode="json")]})  # fmt: skip
    text = text_of(page_of(shelf))
    assert "n 40 first 40 rows zero" in text
    assert "all models: first 40 rows" in text
    assert "one: zero" in text


def test_a_missing_score_is_a_dash_and_never_a_zero(shelf: Shelf) -> None:
    scores = [Score(name="mt_bench", value=None, n=0, missing=32).model_dump(mode="json")]
    shelf.put("eval", "evaluate", "scores", {"model": "student", "scores": scores})
    assert "<b>-</b>" in page_of(shelf)
    assert "mt_bench ↑ - n 0, 32 missing" in text_of(page_of(shelf))


def test_a_model_without_the_metric_has_a_dash(shelf: Shelf) -> None:
    for stage, metric in (("eval_a", "rte.acc"), ("eval_b", "wic.acc")):
        scores = [Score(name=metric, value=0.5, n=9).model_dump(mode="json")]
        shelf.put(stage, "evaluate", "scores", {"model": stage, "scores": scores})
    assert "rte.acc ↑ 0.500 no interval n 9 - wic.acc ↑ - 0.500" in text_of(page_of(shelf))


def test_an_unfinished_and_a_broken_artifact_are_shown_beside_the_rest(line: Shelf) -> None:
    line.store.begin("orca", "c" * 64)
    _break(line.made["pairs"].folder)
    text = text_of(page_of(line))
    assert "orca cccccccccccc - running, or interrupted; the same command continues it" in text
    assert "1 broken artifact" in text
    assert f"{line.made['pairs'].folder.name} : manifest.json: broken manifest" in text
    assert "lamini_kept filter 70 of 88 rows made" in text


def test_what_stopped_a_stage_and_what_is_to_come_are_in_the_line(line: Shelf) -> None:
    line.store.keep_recipe("stages: {pairs: {kind: source}, orca: {kind: generate}, end: {}}")
    line.store.begin("orca", "c" * 64)
    line.store.note_stop("orca", "c" * 64, "models.teacher: <b>no answer</b>" + "x" * 900)
    text = text_of(page_of(line))
    assert "orca failed : models.teacher: &lt;b&gt;no answer" in text.partition("The line")[0]
    assert "generate stopped: models.teacher: &lt;b&gt;no answer&lt;/b&gt;xxx" in text
    assert "x…; mend it, and the same command continues failed" in text
    assert "end - - to come" in text


@pytest.mark.parametrize("recipe", [b"\xff\xfe", b"a: [", b"- 1", b"stages: 5", b"stages: {a: 1}"])
def test_a_recipe_that_cannot_be_read_does_not_stop_the_page(line: Shelf, recipe: bytes) -> None:
    (line.store.root / "recipes").mkdir(exist_ok=True)
    (line.store.root / "recipes" / "0.yaml").write_bytes(recipe)
    assert "lamini_kept filter 70 of 88 rows made" in text_of(page_of(line))


def test_a_manifest_of_a_newer_version_is_said_and_the_rest_shown(line: Shelf) -> None:
    manifest = line.made["pairs"].folder / "manifest.json"
    text = manifest.read_text(encoding="utf-8").replace('"format": 1', '"format": 99')
    manifest.write_text(text, encoding="utf-8")
    page = text_of(page_of(line))
    assert "manifest.json: written by a newer version; upgrade openbezoar to read it" in page
    assert "lamini_kept filter 70 of 88 rows made" in page


def test_mt_bench_is_shown_by_category_for_every_model_it_was_asked_of(shelf: Shelf) -> None:
    for stage, names in (("a", ["mt_bench", "mt_bench.turn_1", "mt_bench.math", "mt_bench.length"]),
                         ("b", ["loss.x"])):  # fmt: skip
        scores = [Score(name=name, value=5.0, n=9).model_dump(mode="json") for name in names]
        shelf.put(stage, "evaluate", "scores", {"model": stage, "scores": scores})
    page = page_of(shelf)
    section = page[page.index('<section id="ratings">') :].partition("</section>")[0]
    assert section.count("<figure") == 1
    assert re.search(r"a n 9 in each [\d. ]*math$", text_of(section))


def test_one_of_anything_is_not_many(shelf: Shelf) -> None:
    numbers = {"seeds": 1, "rows": 1, "failed": {}, "scheme": "respond", "requests": 1}
    shelf.put("rows", "generate", "examples", numbers)
    shelf.put("rows", "generate", "examples", numbers, settings={"limit": 1})
    page = text_of(page_of(shelf))
    assert "1 older artifact of the same" in page
    assert "1 row from 1 seed, 0 failed" in page
    assert "1 seed in 1 request" in page
    assert not re.search(r"\b1 (artifacts|rows|seeds|requests|stages)\b", page)


def test_a_licence_that_is_missing_is_told_without_marks_of_markdown(line: Shelf) -> None:
    numbers = {"train": 1, "valid": 0, "by_origin": {}}
    rows = [{"id": "a", "licences": []}]
    files = {"train.jsonl": rows, "valid.jsonl": []}
    line.put("bare", "mix", "examples data set", numbers, files=files, settings={"rows": []})
    assert "state it with <code>licences</code> of their source" in page_of(line)


def test_two_measurements_of_one_model_are_counted_as_one_model(line: Shelf) -> None:
    given = {"model": "dpo_model", "scores": []}
    line.put("again", "evaluate", "scores", given, reads=("dpo_model",), settings={"limit": 7})
    assert "models measured 3" in text_of(page_of(line))


def test_an_empty_store_has_a_page(shelf: Shelf) -> None:
    assert "nothing is finished yet" in text_of(page_of(shelf))


def test_a_store_that_is_not_there_is_an_error_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store here; make one with bezoar run"):
        write(Store(tmp_path / "none"), tmp_path / "report.html")


@pytest.mark.parametrize("name", [".", "", "..", "store"])
def test_a_folder_is_no_file_to_write_the_page_into(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(shelf.store.root.parent)
    (shelf.store.root.parent / "store").mkdir(exist_ok=True)
    with pytest.raises(StoreError, match=r"is a folder; name the file, such as .*report\.html"):
        write(shelf.store, Path(name))


def test_half_a_character_in_a_manifest_does_not_stop_the_page(shelf: Shelf) -> None:
    made = shelf.put("lamini", "generate", "examples", {"seeds": 1, "rows": 1, "failed": {"?": 1}})
    manifest = made.folder / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"?"', '"\\ud800"'))
    assert "lamini generate 1 row from 1 seed, 1 failed" in text_of(page_of(shelf))


def test_kept_and_rejected_that_miss_rows_are_said_aloud(shelf: Shelf) -> None:
    numbers = {"read": 10, "rows": 6, "rejected": {"length: too short": 3}}
    shelf.put("kept", "filter", "examples", numbers)
    assert "6 kept + 3 rejected are not the 10 read" in text_of(page_of(shelf))


def test_a_validation_loss_that_did_not_fall_is_said_aloud(line: Shelf) -> None:
    text = text_of(page_of(line))
    assert "sft_adapter sft 2.580 → 1.740 -" in text
    assert "dpo dpo 0.693 → 0.700 not better 0.570" in text


def test_requests_and_tokens_are_summed(line: Shelf) -> None:
    assert "total 512 12 50,000 9,100" in text_of(page_of(line))


@pytest.mark.slow
def test_ten_thousand_rows_cost_no_time(shelf: Shelf) -> None:
    numbers = {"read": 20_000, "rows": 10_000, "rejected": {"length: too short": 10_000}}
    files = {
        "rows.jsonl": [example(number) for number in range(10_000)],
        "rejected.jsonl": [rejected(example(0), "length", "too short")] * 10_000,
    }
    page_of(shelf)
    shelf.put("kept", "filter", "examples", numbers, files=files)
    began = time.perf_counter()
    page = page_of(shelf)
    assert time.perf_counter() - began < 1
    assert len(page) < 200_000


LOADING = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}


def _break(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del content["kind"]
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
