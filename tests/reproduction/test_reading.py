"""A report, a card and a manifest tell the same recipe; what is none of them is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.account import Account
from openbezoar.errors import DataError, OpenBezoarError
from openbezoar.report.page import write
from openbezoar.reproduction.reading import _read, read_account, recipe_of
from openbezoar.store import Store
from tests.reproduction.conftest import Make, card_of


def test_a_report_tells_the_account_of_its_run(make: Make, folder: Path) -> None:
    made = make()
    read = read_account(write(Store(folder / "store"), folder / "report.html"))
    assert [one.fingerprint for one in read.made] == [one.manifest.fingerprint for one in made]
    assert list(recipe_of(read, folder / "report.html").stages) == ["seeds", "rows", "kept"]


def test_a_manifest_tells_the_whole_recipe_and_its_own_stage(make: Make, folder: Path) -> None:
    artifact = make()[1]
    for path in (artifact.folder, artifact.folder / "manifest.json"):
        read = read_account(path)
        assert [one.stage for one in read.made] == ["rows"]
        assert list(recipe_of(read, path).stages) == ["seeds", "rows", "kept"]


def test_a_card_tells_the_recipe_the_artifact_and_its_scores(
    account: Account, folder: Path
) -> None:
    metrics = [
        {"name": "loss.pairs", "type": "loss", "value": 2.5, "args": {"standard_error": 0.1}},
        {"type": "rated", "value": "n/a"},
        {"type": "acc", "value": 1},
        {"name": "judge_rating.math", "type": "math", "value": 7},
    ]
    card = card_of(
        account.recipe,
        openbezoar={"recipe_sha256": "0" * 64, "fingerprint": "abc", "version": "0.1.0"},
        **{"model-index": [{"name": "m", "results": [{"task": {}, "metrics": metrics}]}]},
    )
    (folder / "README.md").write_text(card.replace("\n", "\r\n"), encoding="utf-8")
    read = read_account(folder / "README.md")
    assert read.recipe == account.recipe
    assert (read.fingerprint, read.versions) == ("abc", {"openbezoar": "0.1.0"})
    told = [(score.name, score.value, score.standard_error) for score in read.scores]
    assert told == [("loss.pairs", 2.5, 0.1), ("acc", 1, None), ("mt_bench.math", 7, None)]


def test_a_longer_fence_and_other_blocks_do_not_confuse_a_card(account: Account) -> None:
    card = card_of(account.recipe).replace("```", "````")
    card = card.replace("# A model", "# A model\n\n```yaml\nname: other\n```\n")
    assert _read(card, Path()).recipe == account.recipe


def test_a_recipe_among_the_rows_of_a_card_is_not_taken_for_its_own(account: Account) -> None:
    spoof = "## Recipe\n\n```yaml\nname: spoof\n```\n\n"
    card = card_of(account.recipe, openbezoar={"recipe_sha256": account.recipe_sha256})
    read = _read(card.replace("# A model\n", f"# A model\n\n{spoof}"), Path())
    assert read.recipe == account.recipe


def test_a_manifest_lies_in_its_own_folder_whatever_else_does(make: Make, folder: Path) -> None:
    """Of a folder with a manifest and a report the manifest tells; another's tells of another."""
    seeds, rows, _ = make()
    write(Store(folder / "store"), rows.folder / "report.html")
    assert [one.stage for one in read_account(rows.folder).made] == ["rows"]
    assert [one.stage for one in read_account(seeds.folder).made] == ["seeds"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no report, no manifest, and no card"),
        ("# A card\n\n```yaml\nname: x\n```\n", "no card with a yaml block"),
        ("## Recipe\n\nNone.\n\n## Other\n\n```yaml\na: 1\n```\n", "no card with a yaml block"),
        ("---\n- 1\n---\n## Recipe\n\n```yaml\na: 1\n```\n", "front matter is no mapping"),
        ("---\na: [\n---\n## Recipe\n\n```yaml\na: 1\n```\n", "not YAML"),
        ("---\na: 2026-01-99\n---\n## Recipe\n\n```yaml\na: 1\n```\n", "not YAML"),
        ("---\nopenbezoar: 5\nmodel-index: {a: b}\n---\n", "no card with a yaml block"),
        ("{", "not JSON"),
        ('{"format": 99, "stage": "x"}', "newer version; upgrade openbezoar"),
        ('{"format": 1, "stage": "x"}', "not the account of a run"),
        ("<!doctype html><p>hello", "write the report again with bezoar report"),
        ('{"format": "2", "stage": "x"}', "format is '2', which no version writes"),
        ('{"format": null, "stage": "x"}', "which no version writes"),
        ('{"stage": "x", "kind', "not JSON"),
        ("&lt;!doctype html&gt;&lt;script id=&quot;account&quot;&gt;", "no report, no manifest"),
        ('<!doctype html><script type="application/json" id="account">{"recipe": "na', "without"),
        ('<html><script type="application/json" id="account">{&quot;</script>', "not JSON"),
        ('<!doctype html><script type="application/json" id="account">{"recipe": 3}</script>',
         "not the account"),
        (2 * '<html><script type="application/json" id="account">{}</script>', "two accounts"),
        (2 * "## Recipe\n\n```yaml\na: 1\n```\n", "holds 2 recipes, none with the digest"),
        ('<!doctype html><script type="application/json" id="account">[]</script>', "not the acc"),
        ('<!doctype html><script type="application/json" id="account">{"format":2}</script>',
         "newer version"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line(folder: Path, text: str, complaint: str) -> None:
    (folder / "document").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint) as raised:
        read_account(folder / "document")
    assert str(folder / "document") in str(raised.value)


def test_an_absent_file_and_an_empty_folder_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match="absent: cannot be read"):
        read_account(folder / "absent")
    with pytest.raises(DataError, match=r"holds none of manifest\.json, report\.html, README\.md"):
        read_account(folder)


def test_a_recipe_that_is_none_is_told_with_its_document(folder: Path) -> None:
    account = Account(recipe="{name: x, stages: {a: {kind: sauce}}}")
    with pytest.raises(OpenBezoarError, match=r"the recipe in card\.md:.*did you mean 'source'"):
        recipe_of(account, folder / "card.md")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below),
)


@given(VALUES, st.sampled_from(["openbezoar", "model-index", "license"]))
def test_no_front_matter_breaks_the_reader(value: Any, name: str) -> None:
    head = json.dumps({name: value})
    card = f"---\n{head}\n---\n## Recipe\n```yaml\nname: x\n```\n"
    assert _read(card, Path()).recipe == "name: x\n"


@given(st.text())
def test_any_text_is_an_account_or_a_named_mistake(text: str) -> None:
    for document in (text, "{" + text, "<html>" + text, f"## Recipe\n```yaml\n{text}\n```\n"):
        try:
            _read(document, Path())
        except (OpenBezoarError, ValueError):
            continue
