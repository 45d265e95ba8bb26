"""The loop is exact over a step, resumes to the same bytes, and refuses to learn nothing."""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file

from openbezoar.deadline import Deadline
from openbezoar.errors import BudgetReached, ModelError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.losses import LOSSES
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.adapters import Lora, adapter_tensors, attach_adapter
from openbezoar.training.health import Health
from openbezoar.training.loop import Course, train
from tests.training.conftest import Rows
from tests.training.families import some_rows, tiny
from tests.training.test_logps import perturbed, plain

Make = Callable[..., Any]


def tensors(model: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in adapter_tensors(model).items()}


def is_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_first_loss_is_that_of_full_logits(adapted: Make, course: Make, rows: Rows) -> None:
    with torch.no_grad():
        total = -sum(plain(adapted(), row[0]) for row in rows)
    expected = float(total) / sum(row[0].answer_tokens for row in rows)
    progress = train(adapted(), course(rows, rows, batch_rows=8))
    assert progress.metrics[0]["valid_loss"] == pytest.approx(expected, rel=1e-5)
    assert progress.metrics[1]["loss"] == pytest.approx(expected, rel=1e-5)


def test_training_lowers_the_loss(adapted: Make, course: Make, rows: Rows) -> None:
    metrics = train(adapted(), course(rows, rows, epochs=6)).metrics
    assert metrics[-1]["valid_loss"] < metrics[0]["valid_loss"] - 0.1
    assert [line["step"] for line in metrics] == list(range(13))


@pytest.mark.parametrize("objective", [SupervisedFineTuning(), DirectPreferenceOptimization()])
def test_two_micro_batches_give_the_weights_of_one(
    adapted: Make, course: Make, rows: Rows, pairs: Rows, objective: Any
) -> None:
    data = pairs if objective.reference else rows
    settings = {"objective": objective, "batch_rows": 6, "optimiser": "rmsprop"}
    whole, split = adapted(), adapted()
    one = train(whole, course(data, **settings, micro_tokens=100_000, learning_rate=1e-4))
    many = train(split, course(data, **settings, micro_tokens=1, learning_rate=1e-4))
    for key in ("loss", "gradient_norm"):
        assert one.metrics[1][key] == pytest.approx(many.metrics[1][key], rel=1e-4)
    names = tensors(whole)
    assert all(torch.allclose(names[name], tensors(split)[name], atol=1e-5) for name in names)


def test_a_step_is_as_large_as_its_rate_says(adapted: Make, course: Make, rows: Rows) -> None:
    """AdamW's first step moves every weight by the learning rate, whatever the gradient."""
    model = adapted()
    before = tensors(model)
    metrics = train(model, course(rows, batch_rows=8, learning_rate=1e-2, warmup_steps=5)).metrics
    assert metrics[1]["learning_rate"] == pytest.approx(2e-3)
    moved = [float((tensors(model)[name] - old).abs().max()) for name, old in before.items()]
    assert max(moved) == pytest.approx(2e-3, rel=1e-3)


def test_the_gradient_is_clipped_and_told_as_it_was(
    adapted: Make, course: Make, rows: Rows
) -> None:
    """AdamW's first moment after one step is a tenth of the gradient it was given."""
    lesson = course(rows, batch_rows=8, clip=1e-3)
    told = train(adapted(), lesson).metrics[1]["gradient_norm"]
    state = load_file(lesson.scratch / "checkpoint-00000001" / "optimiser.safetensors")
    moments = [tensor for name, tensor in state.items() if name.endswith("exp_avg")]
    given = 10 * torch.cat([moment.flatten() for moment in moments]).norm()
    assert float(given) == pytest.approx(1e-3, rel=1e-3)
    assert told > 0.1


def test_a_model_that_cannot_be_packed_is_named_and_trained(course: Make) -> None:
    said: list[str] = []
    model = attach_adapter(tiny("granite", logits_scaling=8.0), Lora(r=4, dropout=0.0))
    train(model, replace(course(some_rows()[:1]), say=said.append))
    assert said == ["GraniteForCausalLM cannot be packed: sequences are computed one at a time"]


def test_a_packing_that_is_not_exact_stops_the_run_before_its_first_step(
    adapted: Make, course: Make, rows: Rows
) -> None:
    model = adapted()
    model.get_base_model().model.layers[0].mlp.register_forward_hook(
        lambda module, inputs, output: output + inputs[0].cumsum(1)
    )
    with pytest.raises(ModelError, match="this model cannot be trained here"):
        train(model, course(rows))


@pytest.mark.parametrize("precision", ["float32", "nf4"])
def test_recomputing_activations_gives_the_same_gradients(
    adapted: Make, course: Make, rows: Rows, precision: str, tmp_path: Path
) -> None:
    kept, computed = (adapted(precision=precision, dropout=0.1) for _ in range(2))
    lesson = course(rows, batch_rows=8, epochs=2)
    whole = train(kept, replace(lesson, scratch=tmp_path / "kept"))
    runtime = lesson.runtime.model_copy(update={"recompute": True})
    again = train(computed, replace(lesson, runtime=runtime))
    assert computed.get_base_model().is_activation_checkpointing
    assert again == whole
    assert is_equal(tensors(kept), tensors(computed))


def test_a_training_whose_time_is_over_leaves_a_checkpoint_to_go_on_from(
    adapted: Make, course: Make, rows: Rows, tmp_path: Path
) -> None:
    lesson = course(rows, batch_rows=4, epochs=2)
    whole, resumed = adapted(), adapted()
    once = train(whole, replace(lesson, scratch=tmp_path / "whole"))
    with pytest.raises(BudgetReached, match="time of 1 hours is over"):
        train(adapted(), replace(lesson, deadline=Deadline(1, at=0.0)))
    assert [path.name for path in lesson.scratch.glob("checkpoint-*")] == ["checkpoint-00000001"]
    assert train(resumed, lesson) == once
    assert is_equal(tensors(whole), tensors(resumed))


def test_a_training_that_ends_with_its_time_is_done(
    adapted: Make, course: Make, rows: Rows
) -> None:
    lesson = course(rows, batch_rows=8)
    assert train(adapted(), replace(lesson, deadline=Deadline(1, at=0.0))).step == 1


# Preference training.


class Watching(DirectPreferenceOptimization):
    """Notes the reference's log-probabilities of every micro-batch."""

    seen: ClassVar[list[torch.Tensor]] = []

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        self.seen.append(torch.stack([policy.detach(), reference]))
        return super().loss(policy, reference, tokens)


def test_dpo_starts_at_ln_2_with_no_margin(adapted: Make, course: Make, pairs: Rows) -> None:
    first = train(
        adapted(dropout=0.5), course(pairs, pairs, DirectPreferenceOptimization(), batch_rows=6)
    ).metrics
    assert first[0]["valid_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert first[1]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert first[1]["margin"] == pytest.approx(0, abs=1e-5)


def test_the_reference_stays_while_the_policy_moves(
    adapted: Make, course: Make, pairs: Rows
) -> None:
    Watching.seen.clear()
    train(adapted(), course(pairs[:1], objective=Watching(), epochs=3))
    policies, references = zip(*Watching.seen, strict=True)
    assert torch.equal(references[0], references[-1])
    assert not torch.equal(policies[0], policies[-1])


def test_dpo_from_a_model_that_is_not_its_reference_is_refused(
    adapted: Make, course: Make, pairs: Rows
) -> None:
    with pytest.raises(ModelError, match=r"not 0\.6931 with none: the reference is not the model"):
        train(perturbed(adapted()), course(pairs, objective=DirectPreferenceOptimization()))


def test_a_margin_at_the_start_is_refused_also_where_the_loss_hides_it(
    adapted: Make, course: Make, pairs: Rows
) -> None:
    """With beta so small the loss stays at ln 2 whatever the rewards; its margin does not."""

    class Hidden(DirectPreferenceOptimization):
        """A loss that says nothing."""

        def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
            loss, sums = super().loss(policy, reference, tokens)
            return loss * 0 + math.log(2) * len(policy), sums

    with pytest.raises(ModelError, match="with a margin of"):
        train(perturbed(adapted()), course(pairs, objective=Hidden()))


@pytest.mark.parametrize("variant", LOSSES)
def test_every_variant_starts_at_its_own_first_loss(
    adapted: Make, course: Make, pairs: Rows, variant: Any
) -> None:
    objective = DirectPreferenceOptimization(variant=variant, beta=0.2, label_smoothing=0.1)
    metrics = train(adapted(), course(pairs[:2], objective=objective)).metrics
    assert metrics[1]["loss"] == pytest.approx(objective.first_loss(), rel=1e-5)
    assert metrics[1]["kl"] == pytest.approx(0, abs=1e-5)


def test_with_epochs_the_reference_is_kept_once_a_row_and_used(
    adapted: Make, course: Make, pairs: Rows, tmp_path: Path
) -> None:
    """Each step is one micro-batch of one pair, so that a second training repeats the first."""
    lesson = course(pairs[:2], pairs[2:3], DirectPreferenceOptimization(), batch_rows=1, epochs=2)
    fresh, known = adapted(), adapted()
    train(fresh, replace(lesson, scratch=tmp_path / "fresh"))
    (kept,) = (tmp_path / "fresh").glob("reference-*.jsonl")
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").strip().splitlines()]
    assert len({row for row, _ in lines}) == len(lines) == 3

    (tmp_path / "known").mkdir()
    shutil.copy(kept, tmp_path / "known")
    train(known, replace(lesson, scratch=tmp_path / "known"))
    assert is_equal(tensors(fresh), tensors(known))

    (tmp_path / "false").mkdir()
    false = [json.dumps([row, [chosen, rejected - 5]]) for row, (chosen, rejected) in lines]
    (tmp_path / "false" / kept.name).write_text("\n".join(false), encoding="utf-8")
    with pytest.raises(ModelError, match="the reference is not the model"):
        train(adapted(), replace(lesson, scratch=tmp_path / "false"))


def test_in_a_single_epoch_nothing_is_kept_of_the_reference(
    adapted: Make, course: Make, pairs: Rows, tmp_path: Path
) -> None:
    train(adapted(), course(pairs[:1], objective=DirectPreferenceOptimization()))
    assert not list(tmp_path.rglob("reference-*"))


EVERY_LAYER = ("o_proj", "v_proj", "up_proj", "down_proj")
SENSITIVE = Health(window=3, chosen_fall=0.05)
"""The tiny model's head is so weak that nothing falls by the half nat of the default."""


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "is_absurd"), [(1e-4, False), (1e-1, True)])
def test_an_absurd_learning_rate_raises_the_alarm_and_a_sound_one_does_not(
    adapted: Make, course: Make, pairs: Rows, rate: float, is_absurd: bool
) -> None:
    said: list[str] = []
    lesson = course(
        pairs, (), DirectPreferenceOptimization(), epochs=4, learning_rate=rate, health=SENSITIVE
    )
    train(adapted(targets=EVERY_LAYER), replace(lesson, say=said.append))
    told = [line for line in said if line.startswith("warning: ")]
    assert any("nats a token less likely" in line for line in told) is is_absurd
    assert bool(told) is is_absurd


@pytest.mark.slow
def test_an_alarm_that_stops_is_met_again_by_the_rerun(
    adapted: Make, course: Make, pairs: Rows
) -> None:
    health = SENSITIVE.model_copy(update={"on_alarm": "stop"})
    lesson = course(
        pairs, (), DirectPreferenceOptimization(), epochs=4, learning_rate=1e-1, health=health,
        checkpoint_every=1,
    )  # fmt: skip
    for _ in range(2):
        with pytest.raises(ModelError, match=r"runtime\.health\.on_alarm=warn"):
            train(adapted(targets=EVERY_LAYER), lesson)


# Steps from which nothing can be learned.


class Flat(SupervisedFineTuning):
    """A loss that no weight changes."""

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        return policy.sum() * 0 + 1, {}


class Steep(SupervisedFineTuning):
    """A loss that is a number with a gradient that is none."""

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        return (policy.sum() * 0).sqrt(), {}


class Broken(SupervisedFineTuning):
    """A loss that is no number."""

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        return policy.sum() * math.nan, {}


@pytest.mark.parametrize(
    ("objective", "complaint"),
    [
        (Flat(), "gradient's norm is 0 at step 1: nothing would be learned; try another `prec"),
        (Steep(), "gradient's norm is nan at step 1; try another `precision`"),
        (Broken(), "the loss at step 1 is nan"),
    ],
)
def test_a_step_that_teaches_nothing_stops_the_training(
    adapted: Make, course: Make, rows: Rows, objective: Any, complaint: str
) -> None:
    model = adapted()
    before = tensors(model)
    with pytest.raises(ModelError, match=complaint):
        train(model, course(rows, objective=objective))
    assert is_equal(before, tensors(model))


class Steepening(SupervisedFineTuning):
    """Steep from the second step on."""

    steps: ClassVar[list[int]] = []

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        self.steps.append(len(policy))
        return (-policy.sum() if len(self.steps) == 1 else (policy.sum() * 0).sqrt()), {}


def test_a_training_that_runs_off_is_told_to_go_slower_first(
    adapted: Make, course: Make, rows: Rows
) -> None:
    lesson = course(rows, objective=Steepening(), micro_tokens=100_000, learning_rate=1e9)
    with pytest.raises(
        ModelError, match=r"norm is nan at step 2; lower learning_rate \(1e\+09 now"
    ):
        train(adapted(), lesson)


def test_no_pair_is_ranked_before_the_first_update(
    adapted: Make, course: Make, pairs: Rows
) -> None:
    lesson = course(pairs, pairs, DirectPreferenceOptimization(), batch_rows=2, evaluate_every=1)
    metrics = train(adapted(), lesson).metrics
    assert ["accuracy" in line for line in metrics] == [False, False] + [True] * (len(metrics) - 2)
    assert ["valid_accuracy" in line for line in metrics] == [False] + [True] * (len(metrics) - 1)
    assert len(metrics) > 2
    assert metrics[0]["valid_margin"] == metrics[1]["margin"] == 0


def test_a_validation_loss_that_is_no_number_stops_the_training(
    adapted: Make, course: Make, rows: Rows
) -> None:
    names = tuple("abcdefgh")
    lesson = replace(course(rows, rows, objective=Broken()), valid_names=names)
    with pytest.raises(ModelError, match=r"the validation loss is nan with the rows .*h"):
        train(adapted(), lesson)


class Poisoned(SupervisedFineTuning):
    """A loss that is no number for micro-batches with a row of so many answer tokens."""

    bad: ClassVar[int] = 0

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        loss, sums = super().loss(policy, reference, tokens)
        return loss * (math.inf if self.bad in tokens else 1.0), sums


def test_a_broken_step_names_its_rows_and_keeps_the_metrics(
    adapted: Make, course: Make, rows: Rows
) -> None:
    Poisoned.bad = rows[5][0].answer_tokens
    lesson = course(rows, objective=Poisoned(), batch_rows=1, micro_tokens=1)
    lesson = replace(lesson, names=tuple("abcdefgh"))
    last = next(step for step in range(8) if lesson.order(step) == [5])
    with pytest.raises(ModelError, match=rf"loss at step {last + 1} is inf with the rows f; "):
        train(adapted(), lesson)
    kept = (lesson.scratch / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in kept] == list(range(last + 1))


def test_four_bit_weights_let_gradients_through_after_an_evaluation(
    adapted: Make, course: Make, rows: Rows
) -> None:
    model = adapted(precision="nf4")
    before = tensors(model)
    metrics = train(model, course(rows, rows, epochs=2, evaluate_every=1)).metrics
    assert all(line["gradient_norm"] > 1e-3 for line in metrics[1:])
    assert metrics[-1]["valid_loss"] < metrics[0]["valid_loss"]
    changed = [name for name, old in before.items() if not torch.equal(old, tensors(model)[name])]
    assert changed == list(before)


# Interruptions.


class Killed(Exception):
    """The process ends here."""


def interrupted(course: Course, step: int) -> Course:
    """The same course, ended after a step."""

    def progress(done: int, total: int, note: str) -> None:
        if done == step:
            raise Killed

    return replace(course, progress=progress)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 5, 12])
@pytest.mark.parametrize("objective", [SupervisedFineTuning(), DirectPreferenceOptimization()])
def test_a_training_interrupted_anywhere_ends_in_the_same_bytes(
    adapted: Make, course: Make, rows: Rows, pairs: Rows, step: int, objective: Any, tmp_path: Path
) -> None:
    data = pairs if objective.reference else rows[:6]
    lesson = course(data, data, objective, batch_rows=2, epochs=4, checkpoint_every=2)
    through, resumed = adapted(dropout=0.1), adapted(dropout=0.1)
    whole = train(through, replace(lesson, scratch=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(adapted(dropout=0.1), interrupted(lesson, step))
    again = train(resumed, lesson)
    assert is_equal(tensors(through), tensors(resumed))
    assert again == whole


@pytest.mark.slow
def test_a_training_whose_newest_checkpoint_is_damaged_ends_in_the_same_bytes(
    adapted: Make, course: Make, rows: Rows, tmp_path: Path
) -> None:
    lesson = course(rows, rows, batch_rows=2, epochs=2, checkpoint_every=2)
    through, resumed = adapted(dropout=0.1), adapted(dropout=0.1)
    whole = train(through, replace(lesson, scratch=tmp_path / "whole"))
    with pytest.raises(Killed):
        train(adapted(dropout=0.1), interrupted(lesson, 7))
    newest = lesson.scratch / "checkpoint-00000006" / "optimiser.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    said: list[str] = []
    assert train(resumed, replace(lesson, say=said.append)) == whole
    assert said[0].startswith("warning: checkpoint-00000006 is damaged")
    assert said[1] == "continues at step 4 of 8"
    assert is_equal(tensors(through), tensors(resumed))


SCRIPT = """
import json, sys
from pathlib import Path
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Message
from openbezoar.training.adapters import Lora, attach_adapter, load_model, save_adapter
from openbezoar.training.format import Format
from openbezoar.training.loop import Course, train
from openbezoar.training.settings import Optimisation, TrainingRuntime
import torch

checkpoint, scratch, out = map(Path, sys.argv[1:])
format_ = Format.for_training(checkpoint)
rows = [
    (format_.encode((Message(role="user", content=f"Question {n}"),), f"Answer {n}", 2048),)
    for n in range(8)
]
torch.manual_seed(0)
model = attach_adapter(load_model(checkpoint, precision="float32"), Lora())
settings = Optimisation(batch_rows=2, epochs=10, learning_rate=1e-2, evaluate_every=3)
runtime = TrainingRuntime(device="cpu", checkpoint_every=2)

def tell(text, *rest):
    print(text, flush=True)

parts = (SupervisedFineTuning(), settings, runtime, 3, rows, rows, scratch, tell)
train(model, Course(*parts, progress=tell))
save_adapter(model, format_.tokenizer, out)
(out / "metrics.jsonl").write_bytes((scratch / "metrics.jsonl").read_bytes())
"""


def start(*paths: Path) -> subprocess.Popen[str]:
    """Train in a process of its own, which tells of every step."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, paths)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def killed_after(step: int, delay: float, *paths: Path) -> list[str]:
    """Kill a training some moment after a step; what it had told."""
    with start(*paths) as process:
        assert process.stdout is not None
        told = list(iter(process.stdout.readline, f"{step}\n"))
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return told


@pytest.mark.slow
def test_a_training_killed_again_and_again_writes_the_bytes_of_one_that_lived(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    moments = random.Random(7)
    for least in (1, 20):
        step, delay = least + moments.randrange(9), moments.random() / 20
        told = killed_after(step, delay, tiny_checkpoint, tmp_path / "scratch", tmp_path / "a")
        assert ("continues" in told[0]) == (least > 1)
    for scratch, out in (("scratch", "a"), ("other", "b")):
        with start(tiny_checkpoint, tmp_path / scratch, tmp_path / out) as process:
            process.communicate()
        assert process.returncode == 0
    names = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert {"adapter_model.safetensors", "metrics.jsonl"} <= set(names)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
