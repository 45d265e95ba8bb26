"""Tokenizer and template stay what they were, from the rows to the merged model."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError, StoreError
from openbezoar.store import Artifact
from tests.stages.conftest import Run
from tests.stages.test_merge import TEXT

pytestmark = pytest.mark.slow
MERGED = "  merged: {kind: merge, adapter: adapter, parity_rows: 2}\n"
CARRIED = """\
  more: {kind: train, start: adapter, data: data, objective: {kind: sft}, precision: bfloat16}
"""


@pytest.fixture
def recipe(tiny_checkpoint: Path) -> str:
    """Up to an adapter."""
    return TEXT.replace("CHECKPOINT", str(tiny_checkpoint)).replace(MERGED, "")


@pytest.fixture
def adapter(run: Run, recipe: str) -> Artifact:
    return run(recipe, "stages.data.limit=20", "stages.adapter.optimisation.max_tokens=480")[
        "adapter"
    ]


def test_an_adapter_is_not_carried_on_in_another_format(
    run: Run, recipe: str, adapter: Artifact
) -> None:
    """As when the store was made by a version with another template."""
    manifest = adapter.folder / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["numbers"]["format"] = "abc"
    manifest.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=r"^stages\.more: .* its manifest says abc\); remove"):
        run(recipe + CARRIED, "stages.data.limit=20", "stages.adapter.optimisation.max_tokens=480")


def test_an_adapter_with_another_template_is_not_merged(
    run: Run, recipe: str, adapter: Artifact
) -> None:
    (adapter.folder / "adapter" / "chat_template.jinja").write_text("{{ messages[0].content }}")
    with pytest.raises(StoreError, match=r"chat_template\.jinja: is not as it was made; remove"):
        run(recipe + MERGED, "stages.data.limit=20", "stages.adapter.optimisation.max_tokens=480")


def test_rows_that_lost_early_turns_are_counted_apart_from_those_left_out(
    adapter: Artifact,
) -> None:
    numbers: Any = adapter.numbers
    assert 0 < sum(numbers["cut"].values()) < numbers["rows"] + numbers["validation_rows"]
    assert numbers["rows"] + numbers["validation_rows"] + sum(numbers["left_out"].values()) == 20
