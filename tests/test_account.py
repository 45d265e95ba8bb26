"""The account of a run holds the recipe that was run last, as it was run."""

from hashlib import sha256
from pathlib import Path

import pytest

from openbezoar.account import account_of
from openbezoar.errors import DataError
from openbezoar.store import Artifact, Manifest, Store


def artifact(store: Store, torch: str = "2.13.0") -> Artifact:
    manifest = Manifest(
        stage="rows", kind="source", makes="seeds", fingerprint="f", science={}, inputs={},
        numbers={}, files={}, run={"versions": {"torch": torch}},
    )  # fmt: skip
    return Artifact(store.root / "rows-0", manifest)


def test_the_recipe_that_was_run_last_is_the_account_s(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_recipe("name: small\n")
    account = account_of([artifact(store, "2.12.0"), artifact(store)])
    assert account.recipe == "name: small\n"
    assert account.recipe_sha256 == sha256(b"name: small\n").hexdigest()
    assert account.versions == {"torch": "2.13.0"}


def test_a_recipe_can_be_asked_for_by_its_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.keep_recipe("name: first\n")
    store.keep_recipe("name: second\n")
    assert account_of([artifact(store)], first).recipe == "name: first\n"


@pytest.mark.parametrize("wanted", ["", "0" * 64])
def test_a_store_without_the_recipe_says_what_to_do(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(DataError, match="run the recipe file itself"):
        account_of([artifact(Store(tmp_path))], wanted)


def test_no_artifact_and_an_unreadable_recipe_give_no_account(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "00.yaml").write_bytes(b"\xff\xfe\xff")
    for artifacts in ([], [artifact(Store(tmp_path))]):
        with pytest.raises(DataError, match="is not in the store's folder"):
            account_of(artifacts)
