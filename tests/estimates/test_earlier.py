"""An earlier run tells of a stage only where it did the same work, on whichever rows."""

from pathlib import Path
from typing import Any

import pytest

from openbezoar.estimates.earlier import seen_earlier
from openbezoar.plan import Step, plan
from openbezoar.recipe import parse
from openbezoar.store import Artifact, Manifest, Store

TEXT = """\
name: small
models:
  base: {kind: transformers, checkpoint: smollm2-135m-instruct}
  other: {kind: transformers, checkpoint: nobody/has-this}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs]}
  first: {kind: train, start: base, data: data, objective: {kind: sft}}
  tuned: {kind: train, start: first, data: data, objective: {kind: sft}}
  scores: {kind: evaluate, model: tuned, evaluations: [{kind: preferences, data: data}]}
"""
SCORES = "stages.scores.model=base"
"""What is measured is a model, not an adapter."""


def steps(folder: Path, *overrides: str) -> list[Step]:
    recipe = parse(TEXT, folder / "recipe.yaml", [SCORES, *overrides])
    return plan(recipe, Store(folder / "store"))


def made(step: Step) -> Artifact:
    """The artifact that a run of this step would have left."""
    from openbezoar.component import logistics

    manifest = Manifest(
        stage=step.name, kind=step.stage.kind, makes=step.makes, fingerprint=step.fingerprint,
        science=step.science, inputs=step.inputs, numbers={"rows": 1}, files={},
        run={"peak_memory_mb": 1.0, "runtime": logistics(step.stage)},
    )  # fmt: skip
    return Artifact(Path(step.name), manifest)


def told(folder: Path, *overrides: str) -> set[str]:
    """The stages of the recipe as it is now of which a run with these settings tells."""
    before = [made(step) for step in steps(folder, *overrides)]
    return set(seen_earlier(before, steps(folder)))


def test_the_same_work_on_other_rows_tells(tmp_path: Path) -> None:
    assert {"first", "tuned", "scores"} <= told(tmp_path, "stages.pairs.source.rows=preferences")
    assert {"first", "tuned", "scores"} <= told(tmp_path, "stages.data.validation=0.5", "seed=3")


@pytest.mark.parametrize("setting", ["learning_rate=1.0e-5", "schedule=cosine", "clip=2"])
def test_what_changes_no_step_s_size_changes_nothing(tmp_path: Path, setting: str) -> None:
    assert {"first", "tuned"} <= told(tmp_path, f"stages.first.optimisation.{setting}")


@pytest.mark.parametrize(
    "override",
    [
        "stages.tuned.runtime.micro_tokens=128",
        "stages.tuned.runtime.recompute=true",
        "stages.tuned.optimisation.max_tokens=64",
        "stages.tuned.lora.r=4",
        "stages.tuned.precision=bfloat16",
        "stages.first.start=other",
    ],
)
def test_another_runtime_setting_or_base_tells_nothing(tmp_path: Path, override: str) -> None:
    """The base is two stages away in the last case; a carried adapter keeps its settings."""
    carried = {"stages.tuned.lora.r=4": "stages.first.lora.r=4",
               "stages.tuned.precision=bfloat16": "stages.first.precision=bfloat16"}  # fmt: skip
    assert "tuned" not in told(tmp_path, override, *carried.get(override, "seed=0").splitlines())


@pytest.mark.parametrize(
    "settings",
    [{"science": {}}, {"science": None}, {"science": {"models": 3}}, {"inputs": {}},
     {"kind": "merge"}, {"run": {}}],
)  # fmt: skip
def test_a_manifest_that_tells_less_tells_nothing(tmp_path: Path, settings: dict[str, Any]) -> None:
    (step,) = [step for step in steps(tmp_path) if step.name == "tuned"]
    whole = made(step)
    part = Artifact(whole.folder, whole.manifest.model_copy(update=settings))
    assert seen_earlier([part], steps(tmp_path)) == {}
