"""Two processes train as one does, and leave nothing behind when one of them dies."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from openbezoar.errors import ModelError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import Lora, attach_adapter, load_model
from openbezoar.training.loop import Course
from openbezoar.training.processes import train_from
from tests.training.conftest import Rows

Make = Callable[..., Course]


def load(checkpoint: Path, device: str) -> Any:
    """The tiny model with a new adapter, always the same one."""
    return attach_adapter(load_model(checkpoint, device, "float32"), Lora(r=4, dropout=0), seed=1)


class Greedy(SupervisedFineTuning):
    """Asks for more memory than there is, in one process."""

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        if os.environ.get("RANK") == "1":
            torch.empty(1 << 60, dtype=torch.uint8)
        return super().loss(policy, reference, tokens)


def children() -> set[int]:
    """The living processes that this one started and that train."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            words = path.joinpath("cmdline").read_text()
        except OSError:
            continue
        if parent == os.getpid() and "spawn_main" in words:
            found.add(int(path.name))
    return found


@pytest.mark.slow
def test_two_processes_give_the_losses_and_gradients_of_one(
    course: Make, pairs: Rows, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """AdamW's first moment after one step is a tenth of the gradient that was clipped.

    The second step has one pair: a process has nothing to do. (SFT: tests/stages/test_train.py.)
    """
    settings = {"objective": DirectPreferenceOptimization(), "batch_rows": 4, "checkpoint_every": 1}
    found = {}
    for processes in (1, 2):
        lesson = course(pairs[:5], pairs[:5], processes=processes, **settings)
        lesson = replace(lesson, scratch=tmp_path / str(processes))
        found[processes] = train_from(partial(load, tiny_checkpoint), lesson)[1].metrics
    for one, two in zip(found[1], found[2], strict=True):
        assert two == pytest.approx(one, rel=1e-5, abs=1e-6)
    moments = [
        load_file(tmp_path / processes / "checkpoint-00000001" / "optimiser.safetensors")
        for processes in "12"
    ]
    assert any("exp_avg" in name for name in moments[0])
    for name, tensor in moments[0].items():
        torch.testing.assert_close(moments[1][name], tensor, rtol=1e-5, atol=1e-7)


def noting_its_reference(checkpoint: Path, passes: Path, device: str) -> Any:
    """The same model, which leaves a line for every time its adapter is switched off."""
    model = load(checkpoint, device)
    without = model.disable_adapter

    def noted() -> Any:
        with passes.open("a", encoding="utf-8") as file:
            file.write("off\n")
        return without()

    model.disable_adapter = noted
    return model


@pytest.mark.slow
def test_over_several_epochs_processes_compute_the_reference_of_a_row_once_together(
    course: Make, pairs: Rows, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Every epoch divides the rows anew, so that what one process computed another one needs."""
    settings = {"objective": DirectPreferenceOptimization(), "batch_rows": 5, "epochs": 4}
    found = {}
    for processes in (1, 2):
        lesson = course(pairs[:5], pairs[5:], processes=processes, micro_tokens=1, **settings)
        lesson = replace(lesson, scratch=tmp_path / str(processes))
        passes = tmp_path / f"passes of {processes}"
        opened = partial(noting_its_reference, tiny_checkpoint, passes)
        found[processes] = train_from(opened, lesson)[1].metrics
        assert len(passes.read_text(encoding="utf-8").split()) == len(pairs)
        assert len(list(lesson.scratch.glob("reference-*"))) == 1
    for one, two in zip(found[1], found[2], strict=True):
        assert two == pytest.approx(one, rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_a_killed_process_ends_the_training_and_any_number_goes_on(
    course: Make, rows: Rows, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    lesson = course(rows, rows, batch_rows=2, epochs=2, checkpoint_every=1, processes=2)
    lesson = replace(lesson, say=told.append)

    def kill(done: int, total: int, note: str) -> None:
        if done == 3:
            os.kill(max(children()), signal.SIGKILL)

    with pytest.raises(ModelError, match=r"process 1 was killed \(SIGKILL\).*the same command"):
        train_from(partial(load, tiny_checkpoint), replace(lesson, progress=kill))
    assert not children()
    alone = lesson.runtime.model_copy(update={"processes": 1})
    resumed = train_from(partial(load, tiny_checkpoint), replace(lesson, runtime=alone))[1]
    assert "continues at step" in told[0]
    fresh = replace(lesson, runtime=alone, scratch=tmp_path / "fresh")
    whole = train_from(partial(load, tiny_checkpoint), fresh)[1]
    for one, other in zip(whole.metrics, resumed.metrics, strict=True):
        assert other == pytest.approx(one, rel=1e-4, abs=1e-6)


@pytest.mark.slow
def test_the_reason_of_one_process_is_told_for_all(
    course: Make, rows: Rows, tiny_checkpoint: Path
) -> None:
    lesson = course(rows, (), Greedy(), processes=2)
    with pytest.raises(ModelError, match=r"^out of memory; lower runtime\.micro_tokens") as caught:
        train_from(partial(load, tiny_checkpoint), lesson)
    assert "\n" not in str(caught.value)
    assert not children()
