"""Direct Preference Optimization, worked by hand."""

import math

import pytest
import torch

from openbezoar.errors import ParseError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.records import Preference
from openbezoar.training.format import Format
from tests.conftest import turns

TOKENS = torch.ones(1, 2)


def test_a_pair_can_be_checked_with_a_pencil() -> None:
    """Chosen rose from -12 to -10, rejected fell from -8 to -11; beta is 0.5.

    Rewards 0.5 * 2 = 1 and 0.5 * -3 = -1.5, margin 2.5, loss -log(1 / (1 + exp(-2.5))) = 0.0789.
    """
    objective = DirectPreferenceOptimization(beta=0.5)
    loss, sums = objective.loss(
        torch.tensor([[-10.0, -11.0]]), torch.tensor([[-12.0, -8.0]]), TOKENS
    )
    assert float(loss) == pytest.approx(math.log1p(math.exp(-2.5)))
    assert float(loss) == pytest.approx(0.0789, abs=1e-4)
    assert {name: float(value) for name, value in sums.items()} == {
        "reward_chosen": 1.0,
        "reward_rejected": -1.5,
        "margin": 2.5,
        "accuracy": 1.0,
        "log_probability_chosen": -10.0,
    }


def test_the_loss_starts_at_ln_2_with_no_margin() -> None:
    same = torch.tensor([[-3.0, -40.0], [-5.0, -1.0]])
    loss, sums = DirectPreferenceOptimization().loss(same, same, TOKENS)
    assert float(loss) == pytest.approx(2 * math.log(2))
    assert float(sums["margin"]) == float(sums["accuracy"]) == 0


def test_the_gradient_raises_the_chosen_and_lowers_the_rejected() -> None:
    """At margin 0 the derivative of -log sigmoid is -1/2, times beta 0.1."""
    policy = torch.tensor([[-3.0, -4.0]], requires_grad=True)
    loss, _ = DirectPreferenceOptimization(beta=0.1).loss(policy, policy.detach(), TOKENS)
    loss.backward()
    assert policy.grad is not None
    assert policy.grad.tolist() == [pytest.approx([-0.05, 0.05])]


def test_a_pair_is_two_sequences_with_one_prompt(format_: Format, preference: Preference) -> None:
    chosen, rejected = DirectPreferenceOptimization().encode(preference, format_, 2048)
    prompt = format_.prompt(preference.prompt)
    assert chosen.ids[: len(prompt)] == rejected.ids[: len(prompt)] == prompt
    assert format_.tokenizer.decode(chosen.ids).endswith("Blue.</s>")
    assert format_.tokenizer.decode(rejected.ids).endswith("No.</s>")


@pytest.mark.parametrize("longer", ["chosen", "rejected"])
def test_a_long_answer_costs_both_sides_the_same_turns(format_: Format, longer: str) -> None:
    texts = {"chosen": "Blue.", "rejected": "No.", longer: "Blue, I should say. " * 5}
    pair = Preference(id="a", prompt=turns("Hello", "Hello!", "Name a colour."), **texts)
    limit = len(format_.encode(turns("Name a colour."), texts[longer], 2048).ids)
    found = DirectPreferenceOptimization().encode(pair, format_, limit)
    assert found == tuple(
        format_.encode(turns("Name a colour."), answer, 2048)
        for answer in (pair.chosen, pair.rejected)
    )


def test_a_pair_of_equal_answers_is_refused(format_: Format) -> None:
    pair = Preference(id="a", prompt=turns("Hello"), chosen="Hi.", rejected=" Hi. ")
    with pytest.raises(ParseError, match="same tokens"):
        DirectPreferenceOptimization().encode(pair, format_, 2048)


def test_every_pair_counts_once() -> None:
    assert DirectPreferenceOptimization().weight([3, 400]) == 1
