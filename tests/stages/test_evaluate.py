"""The evaluate stage writes every score, and measures checkpoints only."""

import json
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError
from openbezoar.records import Score
from openbezoar.training.format import Format
from tests.stages.conftest import Run

TEXT = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
  server: {kind: scripted, lines: [{reply: "Yes."}]}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 8, validation: 0.5}
  adapter: {kind: train, start: student, data: data, objective: {kind: sft}}
  scores:
    kind: evaluate
    model: student
    evaluations:
      - {kind: perplexity, data: data}
      - {kind: preferences, data: data}
"""


def test_every_score_has_its_n_and_is_in_the_manifest(run: Run, tiny_checkpoint: Path) -> None:
    text = TEXT.replace("CHECKPOINT", str(tiny_checkpoint))
    text = "".join(line for line in text.splitlines(keepends=True) if "  adapter:" not in line)
    made = run(text)["scores"]
    written = json.loads((made.folder / "scores.json").read_text(encoding="utf-8"))
    scores = [Score.model_validate(score) for score in written]
    assert len(scores) >= 2
    assert all(score.n > 0 and score.value is not None for score in scores)
    format_ = Format.load(tiny_checkpoint).fingerprint
    assert made.numbers == {"model": "student", "format": format_, "scores": written}


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("server", "model 'server' is a server; evaluate a checkpoint"),
        ("adapter", "'adapter' is an adapter; evaluate its merge stage"),
        ("data", "reads 'data', which holds preferences data set"),
    ],
)
def test_what_is_no_checkpoint_is_not_measured(
    run: Run, tiny_checkpoint: Path, model: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=rf"stages\.scores: .*{complaint}"):
        run(TEXT.replace("CHECKPOINT", str(tiny_checkpoint)), f"stages.scores.model={model}")
