"""A merged model is a checkpoint that anyone can load, and says how far it is from its adapter."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError
from openbezoar.store import Artifact
from openbezoar.training.format import Format
from tests.stages.conftest import Run

TEXT = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 8, validation: 0.5}
  adapter:
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: bfloat16
    optimisation: {batch_rows: 4, max_tokens: 900}
  merged: {kind: merge, adapter: adapter, parity_rows: 2}
"""


@pytest.fixture
def merged(run: Run, tiny_checkpoint: Path) -> Artifact:
    return run(TEXT.replace("CHECKPOINT", str(tiny_checkpoint)))["merged"]


@pytest.mark.slow
def test_a_merged_model_stands_alone(merged: Artifact) -> None:
    folder = merged.folder / "model"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "bfloat16"
    assert [path.name for path in folder.glob("*.safetensors")] == ["model.safetensors"]
    assert Format.load(folder).fingerprint == merged.numbers["format"]


@pytest.mark.slow
def test_the_manifest_says_how_far_the_merged_model_is_from_the_adapted_one(
    merged: Artifact,
) -> None:
    parity: Any = merged.numbers["parity"]
    assert 0 <= parity["kl"] < 0.01
    assert 0.8 < parity["agreement"] <= 1
    assert parity["tokens"] > 100


def test_only_an_adapter_can_be_merged(run: Run, tiny_checkpoint: Path) -> None:
    text = TEXT.replace("CHECKPOINT", str(tiny_checkpoint))
    with pytest.raises(ConfigError, match=r"stages\.merged: reads 'data'.*it needs adapter"):
        run(text, "stages.merged.adapter=data")
