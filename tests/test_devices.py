"""A device is named as torch names it, and missed in one line, before anything runs."""

from pathlib import Path

import pytest
import torch

from openbezoar import runner
from openbezoar.devices import check_device, has_device
from openbezoar.errors import ConfigError
from openbezoar.plan import plan
from openbezoar.recipe import Recipe, load
from openbezoar.store import Store

BEYOND = "cuda:99"
"""A GPU that no machine has."""
TEXT = """\
name: small
models:
  base: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
  rows: {kind: generate, seeds: seeds, teacher: base, scheme: {kind: respond}}
  data: {kind: mix, rows: [pairs]}
  tuned: {kind: train, start: base, data: data, objective: {kind: sft}, precision: float32}
  whole: {kind: merge, adapter: tuned}
  scores: {kind: evaluate, model: whole, evaluations: [{kind: perplexity, data: data}]}
"""
PLACES = [
    "models.base.runtime.device",
    "stages.tuned.runtime.device",
    "stages.whole.runtime.device",
    "stages.scores.evaluations.0.runtime.device",
]


@pytest.fixture
def recipe_file(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT.replace("CHECKPOINT", str(tiny_checkpoint)), encoding="utf-8")
    return path


def run(recipe: Recipe, store: Store) -> None:
    runner.run(recipe, store, lambda stage, told: None)


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_every_machine_has_a_processor(name: str) -> None:
    check_device(name)


@pytest.mark.parametrize("kind", ["cuda", "mps", "xpu"])
def test_a_machine_has_as_many_devices_as_torch_counts(kind: str) -> None:
    count = getattr(torch, kind).device_count()
    assert [has_device(f"{kind}:{number}") for number in range(count + 1)] == [True] * count + [
        False
    ]
    assert has_device(kind) == (count > 0)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["banana", "cuda:", "cuda:-1", "CUDA", "cuda:0 ", ""])
def test_a_word_that_names_no_device_is_refused_where_it_stands(
    recipe_file: Path, place: str, name: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(recipe_file, [f"{place}={name!r}"])
    assert f"{place}: {name!r} is no device; write auto, cpu, cuda" in str(refused.value)


@pytest.mark.parametrize("place", PLACES)
def test_a_device_of_another_machine_stops_a_run_before_its_first_stage(
    recipe_file: Path, tmp_path: Path, place: str
) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(ConfigError) as refused:
        run(load(recipe_file, [f"{place}={BEYOND}"]), store)
    setting = place.split(".", 2)[2] if place.startswith("stages") else place
    assert f": {setting}: torch finds no {BEYOND} on this machine; write auto" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert store.artifacts() == []


@pytest.mark.parametrize("place", PLACES)
def test_a_recipe_for_another_machine_can_be_planned_and_says_so(
    recipe_file: Path, tmp_path: Path, place: str
) -> None:
    steps = plan(load(recipe_file, [f"{place}={BEYOND}"]), Store(tmp_path / "store"))
    warned = [warning for step in steps for warning in step.warnings]
    assert len(warned) == 1
    assert warned[0].startswith("a run will refuse: ")
    assert f"torch finds no {BEYOND}" in warned[0]


def test_a_model_that_workers_of_a_cluster_open_is_not_missed_here(
    recipe_file: Path, tmp_path: Path
) -> None:
    settings = [f"models.base.runtime.device={BEYOND}", "stages.rows.runtime.engine=ray"]
    steps = plan(load(recipe_file, settings), Store(tmp_path / "store"))
    assert not [warning for step in steps for warning in step.warnings if BEYOND in warning]
