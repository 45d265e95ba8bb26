"""Supervised fine-tuning learns answers, each token alike."""

import torch

from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Example, Preference
from openbezoar.training.format import Format


def test_the_loss_is_the_summed_negative_log_likelihood() -> None:
    loss, sums = SupervisedFineTuning().loss(
        torch.tensor([[-3.0], [-4.5]]), None, torch.tensor([[2], [3]])
    )
    assert float(loss) == 7.5
    assert sums == {}


def test_a_row_counts_as_many_times_as_it_has_answer_tokens() -> None:
    assert SupervisedFineTuning().weight([7]) == 7


def test_an_example_is_learned_by_its_last_answer(format_: Format, example: Example) -> None:
    (encoded,) = SupervisedFineTuning().encode(example, format_, 2048)
    assert encoded == format_.encode(example.messages[:-1], "Four.", 2048)


def test_a_pair_is_learned_by_its_chosen_answer(format_: Format, preference: Preference) -> None:
    (encoded,) = SupervisedFineTuning().encode(preference, format_, 2048)
    assert encoded == format_.encode(preference.prompt, "Blue.", 2048)
