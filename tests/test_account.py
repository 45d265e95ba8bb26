"""The account of a run holds the newest recipe once, and only what that recipe made."""

import pytest

from openbezoar.account import account_of
from openbezoar.errors import DataError
from openbezoar.store import Manifest

RECIPE = {"name": "small", "stages": {"rows": {"kind": "source"}}}


def manifest(stage: str, recipe: object, torch: str = "2.13.0") -> Manifest:
    run = {"recipe_content": recipe, "versions": {"torch": torch}}
    return Manifest(
        stage=stage, kind="source", makes="seeds", fingerprint="f", science={}, inputs={},
        numbers={}, files={}, run=run,
    )  # fmt: skip


def test_the_newest_recipe_decides_which_stages_belong_to_the_run() -> None:
    older = manifest("gone", {"stages": {"gone": {}}})
    account = account_of([older, manifest("rows", RECIPE)])
    assert account.recipe == RECIPE
    assert [made.stage for made in account.made] == ["rows"]
    assert account.versions == {"torch": "2.13.0"}


def test_the_recipe_is_held_once() -> None:
    account = account_of([manifest("rows", RECIPE)])
    assert account.model_dump_json().count('"small"') == 1


@pytest.mark.parametrize("recipe", [None, "text", {}, {"stages": []}])
def test_a_manifest_that_kept_no_recipe_says_what_to_do(recipe: object) -> None:
    with pytest.raises(DataError, match="kept no recipe; run the recipe file itself"):
        account_of([manifest("rows", recipe)])


def test_no_manifest_is_no_account() -> None:
    with pytest.raises(DataError, match="kept no recipe"):
        account_of([])
