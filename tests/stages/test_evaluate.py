"""The evaluate stage writes every score, and measures checkpoints only."""

import json
import shutil
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError, DataError, StoreError
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.families import Bench
from openbezoar.records import Score
from openbezoar.stages.evaluate import EvaluateStage
from openbezoar.store import Manifest, Store
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

CHAT = """\
name: chat
models: {student: {kind: transformers, checkpoint: CHECKPOINT}}
stages:
  scores:
    kind: evaluate
    model: student
    evaluations:
      - {kind: harness, data: sample, limit: 2, chat_template: on, runtime: {device: cpu}}
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


def test_a_model_whose_template_was_changed_is_not_measured(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("sft", "s" * 64)
    (folder / "model").mkdir()
    (folder / "model" / "chat_template.jinja").write_text("as trained", encoding="utf-8")
    manifest = Manifest(
        stage="sft", kind="merge", makes="model", fingerprint="s" * 64, science={}, inputs={},
        numbers={}, files={}, run={},
    )  # fmt: skip
    made = store.commit(folder, manifest)
    bench = Bench(
        stage="scores", seed=0, folder=tmp_path, scratch=tmp_path, inputs={"sft": made}, specs={},
        open_model=lambda name: pytest.fail("not asked"),
        open_checkpoint=lambda path, print_: pytest.fail("not opened"),
        say=lambda line: None, find=lambda print_: made,
    )  # fmt: skip
    stage = EvaluateStage(model="sft", evaluations=(MtBench(judge="j"),))
    (made.folder / "model" / "chat_template.jinja").write_text("another", encoding="utf-8")
    with pytest.raises(DataError, match=r"chat_template\.jinja: is not as it was .* put it back"):
        stage.make(bench)
    stage.check_inputs({"sft": made})  # so that the error above can name the way on
    with pytest.raises(StoreError, match=r"chat_template\.jinja: is not as it was made"):
        stage.check_inputs({"data": made})


def test_a_model_whose_weights_were_altered_is_not_measured(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("sft", "s" * 64)
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    manifest = Manifest(
        stage="sft", kind="merge", makes="model", fingerprint="s" * 64, science={}, inputs={},
        numbers={}, files={}, run={},
    )  # fmt: skip
    made = store.commit(folder, manifest)
    (made.folder / "model" / "model.safetensors").write_bytes(b"altered")
    stage = EvaluateStage(model="sft", evaluations=(MtBench(judge="j"),), force=True)
    with pytest.raises(StoreError, match=r"model\.safetensors: is not as it was made; remove "):
        stage.check_inputs({"sft": made})


def test_a_base_without_a_template_is_not_asked_through_one_unless_told_so(
    run: Run, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    bare = shutil.copytree(tiny_checkpoint, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match=r"stages\.scores: model 'student' has no chat template"):
        run(CHAT.replace("CHECKPOINT", str(bare)))


@pytest.mark.slow
@pytest.mark.parametrize("lent", [True, False])
def test_scores_of_a_forced_measure_say_so(
    run: Run, tmp_path: Path, tiny_checkpoint: Path, lent: bool
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "model")
    if lent:
        (folder / "chat_template.jinja").unlink()
    made = run(CHAT.replace("CHECKPOINT", str(folder)), "stages.scores.force=true")["scores"]
    flags = [Score.model_validate(score).flags for score in made.numbers["scores"]]  # type: ignore[union-attr]
    assert all(("in the OpenBezoar template" in "; ".join(each)) == lent for each in flags)
