"""A micro-batch is an objective's sum over its rows; a packing that is not exact stops the run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from openbezoar.errors import ModelError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.training.adapters import Lora, attach_adapter
from openbezoar.training.attention import use_segments
from openbezoar.training.logps import lone_log_probabilities
from openbezoar.training.micro_batch import check_packing, micro_batch
from openbezoar.training.packing import pack
from tests.training.conftest import Rows
from tests.training.families import some_rows, tiny
from tests.training.test_logps import perturbed

Make = Callable[..., Any]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "nf4"])
def test_an_exact_packing_is_not_spoken_of(adapted: Make, pairs: Rows, precision: str) -> None:
    said: list[str] = []
    check_packing(perturbed(adapted(precision, dropout=0.5)), pairs, said.append)
    assert said == []


def test_a_packing_that_changes_what_comes_out_stops_the_run(adapted: Make, rows: Rows) -> None:
    model = adapted()
    use_segments(model.get_base_model())
    # a layer that looks across sequences: the mean over all tokens before it
    model.get_base_model().model.layers[0].mlp.register_forward_hook(
        lambda module, inputs, output: output + inputs[0].cumsum(1)
    )
    with pytest.raises(ModelError, match=r"LlamaForCausalLM: packed, a token's log-probability"):
        check_packing(model, rows, lambda text: None)


def test_a_model_that_cannot_be_packed_is_named_and_stays_exact() -> None:
    base = tiny("granite", logits_scaling=8.0)
    model = perturbed(attach_adapter(base, Lora(r=4, dropout=0.0)))
    said: list[str] = []
    pairs = [row for row in some_rows() if len(row) == 2]
    check_packing(model, pairs, said.append)
    assert said == ["GraniteForCausalLM cannot be packed: sequences are computed one at a time"]
    _, sums = micro_batch(model, DirectPreferenceOptimization(beta=0.5), pairs)
    with torch.no_grad():
        policy = lone_log_probabilities(model, pack(pairs).sequences).view(2, 2)
        with model.disable_adapter():
            reference = lone_log_probabilities(model, pack(pairs).sequences).view(2, 2)
    rewards = 0.5 * (policy - reference)
    assert float(sums["margin"]) == pytest.approx(float((rewards[:, 0] - rewards[:, 1]).sum()))
    assert abs(float(sums["margin"])) > 1e-3


def test_dropout_is_off_for_the_reference_and_on_for_the_policy(adapted: Make, pairs: Rows) -> None:
    model = perturbed(adapted(dropout=0.5))
    objective = DirectPreferenceOptimization()
    losses = [float(micro_batch(model, objective, pairs)[0].detach()) for _ in range(2)]
    assert losses[0] != losses[1]
    with torch.no_grad():
        calm = [float(micro_batch(model, objective, pairs)[0]) for _ in range(2)]
    assert calm[0] == calm[1]
