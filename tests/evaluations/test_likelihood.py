"""Likelihoods of answers under the tiny checkpoint."""

from pathlib import Path

import pytest

from openbezoar.errors import ParseError
from openbezoar.evaluations.likelihood import Likelihood, LikelihoodRuntime, likelihoods
from openbezoar.records import Message

ASKED = (Message(role="user", content="Name a colour."),)
CPU = LikelihoodRuntime(device="cpu", micro_tokens=400)


def test_a_likelihood_is_the_sum_over_the_answer_and_its_eos(tiny_checkpoint: Path) -> None:
    import torch

    from openbezoar.training.adapters import load_model
    from openbezoar.training.format import Format

    [found] = likelihoods(tiny_checkpoint, [(ASKED, "Blue.")], 512, "float32", CPU)
    row = Format.load(tiny_checkpoint).encode(ASKED, "Blue.", 512)
    with torch.no_grad():
        logits = load_model(tiny_checkpoint, precision="float32")(torch.tensor([row.ids])).logits[0]
    steps = logits.log_softmax(-1)[range(len(row.ids) - 1), row.ids[1:]]
    assert isinstance(found, Likelihood)
    assert found.tokens == len("Blue.") + 1
    assert found.total == pytest.approx(steps[-found.tokens :].sum().item(), abs=1e-4)


def test_an_answer_that_cannot_be_measured_leaves_its_neighbours_alone(
    tiny_checkpoint: Path,
) -> None:
    answers = [(ASKED, "Blue."), (ASKED, "far too long " * 99), (ASKED, ""), (ASKED, "Red.")]
    first, long, empty, last = likelihoods(tiny_checkpoint, answers, 512, "float32", CPU)
    alone = likelihoods(tiny_checkpoint, [answers[3]], 512, "float32", CPU)[0]
    assert isinstance(long, ParseError)
    assert isinstance(empty, ParseError)
    assert isinstance(first, Likelihood)
    assert isinstance(last, Likelihood)
    assert isinstance(alone, Likelihood)
    assert last.total == pytest.approx(alone.total, abs=1e-4)


def test_the_mean_is_over_the_tokens() -> None:
    assert Likelihood(-6.0, 3).per_token == -2
