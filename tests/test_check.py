"""A train stage is looked at before it trains: what it would learn, and what would spoil it."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from openbezoar import runner
from openbezoar.check import Shown, check, counts, readable
from openbezoar.cli import app
from openbezoar.errors import ConfigError, DataError
from openbezoar.recipe import Recipe, load
from openbezoar.store import Store
from openbezoar.training.format import Format

TEXT = """\
name: small
models:
  student: {kind: transformers, checkpoint: CHECKPOINT}
stages:
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  data: {kind: mix, rows: [pairs], limit: 10, validation: 0.3}
  first: &train
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    precision: float32
    lora: {r: 4, alpha: 8}
    optimisation: {batch_rows: 4, max_tokens: 600}
  merged: {kind: merge, adapter: first}
  second: {<<: *train, start: merged, objective: {kind: dpo}}
"""
DATA = "".join(TEXT.partition("  first:")[:1])
Spoil = Callable[[dict[str, torch.Tensor]], None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A folder with a checkpoint, a recipe, and a store that holds the data alone."""
    folder = tmp_path_factory.mktemp("check")
    shutil.copytree(tiny_checkpoint, folder / "base")
    (folder / "recipe.yaml").write_text(TEXT.replace("CHECKPOINT", str(folder / "base")))
    (folder / "data.yaml").write_text(DATA.replace("CHECKPOINT", str(folder / "base")))
    runner.run(load(folder / "data.yaml"), Store(folder / "store"), lambda stage, told: None)
    return folder


@pytest.fixture
def recipe(place: Path) -> Recipe:
    return load(place / "recipe.yaml")


@pytest.mark.slow
def test_stages_whose_data_is_there_are_checked_whatever_they_start_from(
    place: Path, recipe: Recipe
) -> None:
    first, second = check(recipe, Store(place / "store"), rows=1)
    assert first.faults == second.faults == ()
    assert first.notes == ()
    assert second.notes[0] == "'merged', which it starts from, is not made yet; checked on 'first'"
    assert first.format == Format.for_training(place / "base").fingerprint
    (row,) = first.rows
    assert row.masked.endswith("### Response:\n")
    assert row.learned.endswith("</s>")
    assert [(shown.id, shown.answer) for shown in second.rows] == [
        (row.id, "chosen"), (row.id, "rejected"),
    ]  # fmt: skip
    assert (row.answer, second.rows[0].learned) == ("", row.learned), "sft learns the chosen one"


def test_the_counts_say_what_is_learned_and_what_is_not(place: Path, recipe: Recipe) -> None:
    found = check(recipe, Store(place / "store"), "first", rows=0)
    train, valid = counts(found)
    assert (train["stage"], train["part"], valid["part"]) == ("first", "train", "valid")
    assert train["rows"] + train["left_out"] + valid["rows"] + valid["left_out"] == 10
    assert train["share"] == pytest.approx(train["learned"] / train["tokens"])
    assert found[0].rows == ()


def test_a_stage_without_its_data_is_no_error(recipe: Recipe, tmp_path: Path) -> None:
    first, _ = check(recipe, Store(tmp_path))
    assert not first.faults
    assert not first.data
    assert first.notes == (
        "not looked at: its data 'data' is not made yet; run the recipe up to there",
    )


def test_a_recipe_for_another_machine_can_be_looked_at(place: Path) -> None:
    recipe = load(place / "recipe.yaml", ["stages.first.runtime.trackers=[wandb]"])
    (found,) = check(recipe, Store(place / "store"), "first", rows=0)
    assert found.faults == ()
    assert found.notes[0].startswith("a run would refuse here: runtime.trackers: ")


@pytest.mark.slow
def test_a_stage_for_a_gpu_that_is_not_here_is_checked_on_what_is(place: Path) -> None:
    recipe = load(place / "recipe.yaml", ["stages.first.runtime.device=cuda:99"])
    (found,) = check(recipe, Store(place / "store"), "first", rows=0)
    assert found.faults == ()
    assert found.notes[0].startswith("a run would refuse here: runtime.device: torch finds no cuda")


@pytest.mark.parametrize("stage", ["data", "frist"])
def test_only_a_train_stage_can_be_named(recipe: Recipe, tmp_path: Path, stage: str) -> None:
    with pytest.raises(ConfigError, match="no train stage is called"):
        check(recipe, Store(tmp_path), stage)


def test_a_token_without_an_embedding_is_told_and_never_trained(
    place: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(place, tmp_path / "place")
    format_ = Format.load(folder / "base")
    format_.tokenizer.add_special_tokens({"pad_token": "<pad>"})
    format_.tokenizer.save_pretrained(folder / "base")
    text = (folder / "recipe.yaml").read_text().replace(str(place), str(folder))
    (folder / "recipe.yaml").write_text(text)
    store = str(folder / "store")
    done = CliRunner().invoke(
        app, ["check", str(folder / "recipe.yaml"), "first", "--store", store, "--json"]
    )
    (found,) = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [fault["check"] for fault in found["faults"]] == ["vocabulary"]
    assert done.stderr.count("error: ") == 1
    with pytest.raises(DataError, match="the tokenizer has ids up to"):
        runner.run(load(folder / "recipe.yaml"), Store(Path(store)), lambda *_: None)


def without_a_number(tensors: dict[str, torch.Tensor]) -> None:
    tensors["model.norm.weight"].fill_(math.nan)


def without_a_way_out(tensors: dict[str, torch.Tensor]) -> None:
    """What the second layer's attention finds goes nowhere, so that nothing in it can learn."""
    tensors["model.layers.1.self_attn.o_proj.weight"].fill_(0)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["first", "second"])
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            without_a_number,
            {"packing": "packed and single rows differ by nan", "gradient": "12 of"},
        ),
        (without_a_way_out, {"gradient": "6 of 12 trainable parameters get no gradient"}),
    ],
)
def test_weights_that_cannot_be_trained_are_told(
    place: Path, tmp_path: Path, spoil: Spoil, told: dict[str, str], stage: str
) -> None:
    folder = shutil.copytree(place, tmp_path / "place")
    weights = folder / "base" / "model.safetensors"
    tensors = load_file(weights)
    spoil(tensors)
    save_file(tensors, weights, metadata={"format": "pt"})
    recipe = load(folder / "recipe.yaml", [f"models.student.checkpoint={folder / 'base'}"])
    (found,) = check(recipe, Store(folder / "store"), stage, rows=0)
    assert [fault.check for fault in found.faults] == [*told]
    for fault in found.faults:
        assert fault.where == f"stages.{stage}"
        assert fault.what.startswith(told[fault.check])


def test_the_command_shows_rows_and_counts(place: Path) -> None:
    recipe, store = str(place / "recipe.yaml"), str(place / "store")
    done = CliRunner().invoke(app, ["check", recipe, "first", "--store", store, "--rows", "1"])
    assert done.exit_code == 0, done.stderr
    assert "masked  | ### Instruction:" in done.stdout
    assert "learned | " in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[0].split()[:4] == ["stage", "part", "rows", "tokens"]


def test_the_masked_part_is_dimmed_or_marked() -> None:
    row = Shown("a\x1b[31m", "### Response:\n", "Yes.\nNo.\x07</s>")
    assert readable(row, colour=True) == (
        "# a\\x1b[31m\n\x1b[2m### Response:\n\x1b[0mYes.\nNo.\\x07</s>"
    )
    assert readable(row, colour=False) == (
        "# a\\x1b[31m\nmasked  | ### Response:\nlearned | Yes.\nlearned | No.\\x07</s>"
    )


@pytest.mark.parametrize(
    ("answer", "title"),
    [("chosen", "# a: chosen, to be preferred"), ("rejected", "# a: rejected, to be avoided")],
)
def test_a_pair_says_which_answer_is_which(answer: str, title: str) -> None:
    row = Shown("a", "### Response:\n", "Yes.</s>", answer)
    assert readable(row, colour=True).splitlines()[0] == title
    mark = title.rpartition(" ")[2]
    assert readable(row, colour=False).splitlines() == [
        title, f"{'masked':{len(mark)}} | ### Response:", f"{mark} | Yes.</s>",
    ]  # fmt: skip
