"""What a manifest says of the making holds for all of it, not only for the last attempt."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from openbezoar.component import Runtime
from openbezoar.errors import StoreError
from openbezoar.families import Bench, Numbers, Stage
from openbezoar.making import Run, make
from openbezoar.models.spending import Spending
from openbezoar.plan import Step
from openbezoar.recipe import Recipe
from openbezoar.store import Manifest, Store


class Threads(Runtime):
    """How many threads."""

    threads: int = 3


class Resumed(Stage):
    """A stage that held a million megabytes before it was interrupted."""

    kind: Literal["resumed"] = "resumed"
    runtime: Threads = Threads()

    def reads(self) -> tuple[str, ...]:
        return ()

    def makes(self, kinds: Mapping[str, str]) -> str:
        return "seeds"

    def make(self, bench: Bench) -> Numbers:
        bench.measured["peak_memory_mb"] = 1e6
        return {"rows": 0}


def made(folder: Path) -> dict[str, Any]:
    source = {"kind": "source", "source": {"kind": "sample", "rows": "flan"}}
    recipe = Recipe.model_validate({"name": "small", "stages": {"rows": source}})
    store = Store(folder)
    run = Run(recipe, store, Spending(), folder, "")
    step = Step("rows", Resumed(), "seeds", {}, {}, "f" * 64, "to continue", "")
    return make(step, run, lambda stage, text: None).manifest.run


class Finding(Resumed):
    """A stage that reads an artifact further up than its inputs."""

    def make(self, bench: Bench) -> Numbers:
        return {"found": bench.find("u" * 64).manifest.stage}


def test_what_is_found_further_up_must_be_as_it_was_made(tmp_path: Path) -> None:
    source = {"kind": "source", "source": {"kind": "sample", "rows": "flan"}}
    recipe = Recipe.model_validate({"name": "small", "stages": {"rows": source}})
    store = Store(tmp_path)
    folder = store.begin("base", "u" * 64)
    (folder / "weights").write_bytes(b"made")
    manifest = Manifest(
        stage="base", kind="merge", makes="model", fingerprint="u" * 64, science={}, inputs={},
        numbers={}, files={}, run={},
    )  # fmt: skip
    above = store.commit(folder, manifest)
    run = Run(recipe, store, Spending(), tmp_path, "", made={"u" * 64: above})
    step = Step("rows", Finding(), "seeds", {}, {}, "f" * 64, "to make", "")
    assert make(step, run, lambda stage, text: None).numbers == {"found": "base"}
    (above.folder / "weights").write_bytes(b"altered")
    with pytest.raises(StoreError, match=f"{above.folder}/weights: is not as it was made"):
        make(step, run, lambda stage, text: None)


def test_the_peak_is_that_of_all_attempts(tmp_path: Path) -> None:
    assert made(tmp_path)["peak_memory_mb"] == 1e6


def test_it_says_where_and_how_fast_it_was_made(tmp_path: Path) -> None:
    assert made(tmp_path)["runtime"] == {"runtime": {"threads": 3}}
