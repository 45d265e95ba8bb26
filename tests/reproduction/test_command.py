"""`bezoar reproduce` from a report to a table, with the exit code a script can trust."""

import json
import shutil
from pathlib import Path

from openbezoar.account import Account
from openbezoar.report.page import write
from openbezoar.store import Store
from tests.reproduction.conftest import ROWS, TEXT, Make, card_of
from tests.test_cli import bezoar


def report(make: Make, folder: Path) -> Path:
    make()
    return write(Store(folder / "store"), folder / "report.html")


def test_a_report_is_run_again_and_everything_is_equal(make: Make, folder: Path) -> None:
    report(make, folder)
    checked = bezoar(folder, "reproduce", "report.html", "--check")
    assert (checked.returncode, checked.stdout[:15]) == (0, "nothing differs")
    assert not (folder / ".bezoar").exists()
    done = bezoar(folder, "reproduce", "report.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == [
        "stage",
        "outcome",
        "files_equal",
        "numbers_within",
    ]
    assert done.stdout.count("bytes equal") == 3


def test_other_data_stops_it_before_anything_is_run(make: Make, folder: Path) -> None:
    report(make, folder)
    (folder / "rows.jsonl").write_text(ROWS * 2, encoding="utf-8")
    checked = bezoar(folder, "reproduce", "report.html", "--check", "--json")
    assert checked.returncode == 1
    assert [one["what"] for one in json.loads(checked.stdout)] == ["data"]
    done = bezoar(folder, "reproduce", "report.html")
    assert done.returncode == 1
    compared, told = done.stderr.splitlines()[:2]
    assert compared.startswith("compared: the text of the recipe; ")
    assert compared.endswith(" versions; data and settings of 3 of 3 stages")
    assert told.startswith("data: stages.seeds: evidence: ")
    assert "--despite-differences" in done.stderr.splitlines()[-1]
    assert not (folder / ".bezoar").exists()


def test_what_differs_beyond_the_tolerance_is_listed_and_ends_with_one(
    make: Make, folder: Path
) -> None:
    report(make, folder)
    (folder / "rows.jsonl").write_text(ROWS + '{"instruction": "Why?"}\n', encoding="utf-8")
    done = bezoar(folder, "reproduce", "report.html", "--despite-differences", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {line["outcome"] for line in found["stages"]} == {"differs"}
    assert {"stage": "seeds", "number": "rows", "then": 2, "now": 3, "allowed": 0.02} in found[
        "beyond"
    ]


def test_a_run_that_fails_leaves_word_for_the_report(folder: Path) -> None:
    recipe = TEXT.replace("least_words: 1", "least_words: 9")
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    assert bezoar(folder, "run", "recipe.yaml").returncode == 1
    page = bezoar(folder, "report").stdout.strip()
    text = (folder / page).read_text(encoding="utf-8")
    assert "stopped: stage kept: the filters rejected all they read (2 rows)" in text


def test_what_a_page_tells_nothing_of_is_named_and_never_called_equal(
    make: Make, folder: Path
) -> None:
    """A report of a run that was stopped after its first stage."""
    made = make()
    for artifact in made[1:]:
        shutil.rmtree(artifact.folder)
    write(Store(folder / "store"), folder / "report.html")
    done = bezoar(folder, "reproduce", "report.html", "--json")
    assert done.returncode == 0, done.stderr
    assert "(nothing told of rows, kept)" in done.stderr
    found = {line["stage"]: line["outcome"] for line in json.loads(done.stdout)["stages"]}
    assert found == {"seeds": "bytes equal", "rows": "not compared", "kept": "not compared"}


def test_a_limit_ends_a_reproduction_with_its_own_code(make: Make, folder: Path) -> None:
    report(make, folder)
    done = bezoar(folder, "reproduce", "report.html", "--max-hours", "1e-9")
    assert done.returncode == 3
    assert "the run's time of 1e-09 hours is over" in done.stderr


def test_a_card_without_scores_is_run_and_says_that_nothing_is_compared(
    account: Account, folder: Path
) -> None:
    (folder / "README.md").write_text(card_of(account.recipe), encoding="utf-8")
    done = bezoar(folder, "reproduce", "README.md")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "made; the document tells no numbers to compare with\n"
