"""Direct Preference Optimization, worked by hand."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from openbezoar.errors import ParseError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.records import Preference
from openbezoar.training.format import Format
from tests.conftest import turns

TOKENS = torch.ones(1, 2)


def test_a_pair_can_be_checked_with_a_pencil() -> None:
    """Chosen rose from -12 to -10, rejected fell from -8 to -11; beta is 0.5.

    Rewards 0.5 * 2 = 1 and 0.5 * -3 = -1.5, margin 2.5, loss -log(1 / (1 + exp(-2.5))) = 0.0789.
    KL is estimated by what was lost: -(2 - 3) / 2. The longer answer is rejected, and the model
    is 2 s(2.5) - 1 = 0.8483 sure that it should be.
    """
    objective = DirectPreferenceOptimization(beta=0.5)
    loss, sums = objective.loss(
        torch.tensor([[-10.0, -11.0]]), torch.tensor([[-12.0, -8.0]]), torch.tensor([[4, 6]])
    )
    assert float(loss) == pytest.approx(math.log1p(math.exp(-2.5)))
    assert float(loss) == pytest.approx(0.0789, abs=1e-4)
    assert {name: round(float(value), 4) for name, value in sums.items()} == {
        "reward_chosen": 1.0,
        "reward_rejected": -1.5,
        "margin": 2.5,
        "accuracy": 1.0,
        "saturated": 0.0,
        "log_probability_chosen": -10.0,
        "log_probability_rejected": -11.0,
        "log_ratio_chosen": 2.0,
        "kl": 0.5,
        "answer_tokens_chosen": 4.0,
        "answer_tokens_rejected": 6.0,
        "longer_chosen": -1.0,
        "longer_preferred": -0.8483,
    }


def test_rewards_per_token_are_those_that_the_loss_compares() -> None:
    """0.5 * 2 / 4 and 0.5 * -3 / 6."""
    objective = DirectPreferenceOptimization(beta=0.5, variant="sigmoid_per_token")
    loss, sums = objective.loss(
        torch.tensor([[-10.0, -11.0]]), torch.tensor([[-12.0, -8.0]]), torch.tensor([[4, 6]])
    )
    assert (float(sums["reward_chosen"]), float(sums["reward_rejected"])) == (0.25, -0.25)
    assert float(loss) == pytest.approx(math.log1p(math.exp(-0.5)))


@pytest.mark.parametrize(("margin", "share"), [(4.9, 0.0), (5.1, 1.0)])
def test_a_margin_over_five_is_saturated(margin: float, share: float) -> None:
    """There the slope is s(-5) = 0.0067 of the 0.5 it begins with."""
    policy = torch.tensor([[margin, 0.0]])
    _, sums = DirectPreferenceOptimization(beta=1.0).loss(policy, torch.zeros(1, 2), TOKENS)
    assert float(sums["saturated"]) == share


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, math.log(2)),
        ({"label_smoothing": 0.2}, math.log(2)),
        ({"variant": "sigmoid_per_token", "beta": 5}, math.log(2)),
        ({"variant": "ipo"}, 25.0),
        ({"variant": "ipo", "beta": 0.5}, 1.0),
        ({"variant": "ipo_per_token", "beta": 2, "label_smoothing": 0.1}, 1 / 16),
    ],
)
def test_every_variant_knows_its_first_loss(settings: dict[str, Any], expected: float) -> None:
    """With no margin: log 2 for the sigmoid, 1 / (2 beta)^2 for ipo, whatever the smoothing."""
    objective = DirectPreferenceOptimization(**settings)
    assert objective.first_loss() == pytest.approx(expected)
    same = torch.tensor([[-3.0, -40.0]])
    assert float(objective.loss(same, same, TOKENS)[0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("label_smoothing", 0.5), ("label_smoothing", -0.1), ("beta", 0), ("variant", "hinge")],
)
def test_a_setting_out_of_its_range_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=setting):
        DirectPreferenceOptimization(**{setting: value})


def test_the_loss_starts_at_ln_2_with_no_margin() -> None:
    same = torch.tensor([[-3.0, -40.0], [-5.0, -1.0]])
    loss, sums = DirectPreferenceOptimization().loss(same, same, TOKENS)
    assert float(loss) == pytest.approx(2 * math.log(2))
    assert float(sums["margin"]) == float(sums["accuracy"]) == 0, "a tie is not ranked right"


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


def test_both_sides_lose_the_same_turns_when_one_of_them_is_too_long(format_: Format) -> None:
    pair = Preference(
        id="a", prompt=turns("Hello " * 20, "Yes? " * 20, "Bye"), chosen="Bye.", rejected="x" * 400
    )
    chosen, rejected = DirectPreferenceOptimization().encode(pair, format_, 800)
    short = format_.prompt(turns("Bye"))
    assert chosen.ids[: len(short)] == rejected.ids[: len(short)] == short
    assert (chosen.cut, rejected.cut) == (("prompt",), ("prompt",))


def test_every_pair_counts_once() -> None:
    assert DirectPreferenceOptimization().weight([3, 400]) == 1
