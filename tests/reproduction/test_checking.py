"""Every version, digest and setting that is not as it was then is told, and nothing else."""

from pathlib import Path

import pytest

from openbezoar.account import Account
from openbezoar.plan import Step, plan
from openbezoar.recipe import parse
from openbezoar.reproduction.checking import Difference, check, told_of
from openbezoar.store import Store
from tests.reproduction.conftest import ROWS, TEXT


def planned(folder: Path, *overrides: str) -> list[Step]:
    return plan(parse(TEXT, folder / "recipe.yaml", overrides), Store(folder / "new"))


def test_nothing_differs_where_nothing_changed(account: Account, folder: Path) -> None:
    assert check(account, planned(folder), account.versions) == []


@pytest.mark.parametrize(("here", "told"), [("2.12.0", "2.13.0 → 2.12.0"), (None, "→ not here")])
def test_another_version_is_told_and_does_not_decide(
    account: Account, folder: Path, here: str | None, told: str
) -> None:
    told_alone = {"made": (), "versions": {"torch": "2.13.0", "rensa": None}}
    then = account.model_copy(update=told_alone)
    (found,) = check(then, planned(folder), {"torch": here, "rensa": "0.5"})
    assert (found.what, found.where) == ("version", "torch")
    assert told in found.difference
    assert not found.decisive


def test_a_stage_made_with_an_older_version_or_commit_is_told(
    account: Account, folder: Path
) -> None:
    """A run that was upgraded on its way has two versions, of which the last is the account's."""
    first = account.made[0]
    run = {**first.run, "commit": "0" * 12, "versions": {"openbezoar": "0.0.1"}}
    older = first.model_copy(update={"run": run})
    account = account.model_copy(update={"made": (older, *account.made[1:])})
    told = check(account, planned(folder), account.versions)
    assert [(one.what, one.where) for one in told] == [
        ("version", "commit"),
        ("version", "openbezoar"),
    ]
    assert told[1].difference.startswith("0.0.1, ")


def test_a_document_whose_fingerprints_are_not_its_settings_is_told(
    account: Account, folder: Path
) -> None:
    forged = account.made[0].model_copy(update={"fingerprint": "f" * 64})
    account = account.model_copy(update={"made": (forged, *account.made[1:])})
    (found,) = check(account, planned(folder), account.versions)
    assert (found.what, found.where, found.decisive) == ("artifact", "stages.seeds", True)


def test_what_a_document_does_not_tell_is_said(account: Account, folder: Path) -> None:
    whole = "; ".join(told_of(account, planned(folder)))
    assert "data and settings of 3 of 3 stages" in whole
    assert "nothing told" not in whole
    part = account.model_copy(update={"made": account.made[:1], "versions": {}})
    _, versions, stages = told_of(part, planned(folder))
    assert "the document tells none" in versions
    assert stages.endswith("1 of 3 stages (nothing told of rows, kept)")
    card = Account(recipe=account.recipe, fingerprint="a" * 64)
    assert "that a stage makes aaaaaaaaaaaa" in told_of(card, planned(folder))[2]
    assert told_of(card, planned(folder))[0] == "not the text of the recipe"


def test_other_data_is_told_once_at_its_source(account: Account, folder: Path) -> None:
    (folder / "rows.jsonl").write_text(ROWS + ROWS, encoding="utf-8")
    (found,) = check(account, planned(folder), account.versions)
    assert (found.what, found.where) == ("data", "stages.seeds")
    assert found.decisive
    (folder / "rows.jsonl").unlink()
    (found,) = check(account, planned(folder), account.versions)
    assert found.difference.endswith("→ absent; source.path: rows.jsonl")


def test_another_setting_and_another_model_are_told_with_their_place(
    account: Account, folder: Path
) -> None:
    overrides = ("stages.kept.filters.0.answer.least_words=2", "models.teacher.lines.0.reply=No.")
    told = check(account, planned(folder, *overrides), account.versions)
    assert [(one.what, one.where) for one in told] == [
        ("model", "stages.rows"),
        ("setting", "stages.kept"),
    ]
    assert told[1].difference == "filters.0.answer.least_words: 1 → 2"


@pytest.mark.parametrize("length", [12, 64])
def test_a_card_s_artifact_is_found_by_its_fingerprint(
    account: Account, folder: Path, length: int
) -> None:
    card = Account(recipe=account.recipe, fingerprint=account.made[-1].fingerprint[:length])
    assert check(card, planned(folder), {}) == []
    (folder / "rows.jsonl").write_text(ROWS + ROWS, encoding="utf-8")
    (found,) = check(card, planned(folder), {})
    assert (found.what, found.where) == ("artifact", card.fingerprint[:12])


def test_a_recipe_edited_since_is_told(account: Account, folder: Path) -> None:
    edited = account.model_copy(update={"recipe": account.recipe + "# better\n"})
    (found,) = check(edited, planned(folder), account.versions)
    assert (found.what, found.decisive) == ("recipe", True)


def test_what_a_run_would_refuse_is_told(account: Account, folder: Path) -> None:
    step = planned(folder)[0]._replace(warnings=("a run will refuse: no GPU", "slow"))
    (found,) = check(account, [step], account.versions)
    assert found == Difference("machine", "stages.seeds", "a run will refuse: no GPU")
