"""The loss on held-out answers."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from openbezoar.deadline import Deadline
from openbezoar.errors import BudgetReached
from openbezoar.evaluations.likelihood import LikelihoodRuntime
from openbezoar.evaluations.perplexity import Perplexity
from openbezoar.families import Flow, Length, Subject
from openbezoar.ranges import exactly
from openbezoar.records import Example, Message, Preference

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk

ON_CPU = Perplexity(data="held", precision="float32", runtime=LikelihoodRuntime(device="cpu"))


def examples(*answers: str) -> list[Example]:
    asked = Message(role="user", content="Go on.")
    return [
        Example(id=f"row-{place}", messages=(asked, Message(role="assistant", content=answer)))
        for place, answer in enumerate(answers)
    ]


def test_the_loss_is_the_mean_over_all_answer_tokens(desk: "Desk", subject: Subject) -> None:
    desk.put("held", examples("One.", "One, two and three."), "examples")
    loss, perplexity = ON_CPU.measure(subject, desk.bench())
    items = desk.notes("items.jsonl")
    tokens = [int(str(item["tokens"])) for item in items]
    losses = [float(str(item["loss"])) for item in items]
    by_hand = sum(x * n for x, n in zip(losses, tokens, strict=True)) / sum(tokens)
    assert (loss.name, perplexity.name) == ("loss.held", "perplexity.held")
    assert (loss.n, tokens, loss.higher_is_better) == (2, [5, 20], False)
    assert loss.value == pytest.approx(by_hand)
    assert perplexity.value == pytest.approx(math.exp(by_hand))
    assert loss.standard_error is not None


def test_a_random_model_is_about_as_surprised_as_a_fair_die(desk: "Desk", subject: Subject) -> None:
    """259 tokens, all about as likely: the loss is near ln 259 = 5.56."""
    desk.put("held", examples("A sentence of no importance.", "Another."), "examples data set")
    loss, _ = ON_CPU.measure(subject, desk.bench())
    assert loss.value == pytest.approx(math.log(259), abs=0.3)


def test_a_row_that_is_too_long_is_missing_and_said_so(desk: "Desk", subject: Subject) -> None:
    desk.put("held", examples("Short.", "long " * 500), "examples")
    loss, _ = ON_CPU.measure(subject, desk.bench())
    assert (loss.n, loss.missing) == (1, 1)
    assert desk.notes("items.jsonl")[1]["missing"] == "longer than 1024 tokens"


def test_when_no_row_can_be_measured_there_is_no_value(desk: "Desk", subject: Subject) -> None:
    desk.put("held", examples("long " * 500), "examples")
    loss, perplexity = ON_CPU.measure(subject, desk.bench())
    assert (loss.value, perplexity.value, loss.missing) == (None, None, 1)


def test_of_a_preference_the_chosen_answer_is_measured(
    desk: "Desk", subject: Subject, preference: Preference
) -> None:
    desk.put("held", [preference], "preferences")
    ON_CPU.measure(subject, desk.bench())
    assert desk.notes("items.jsonl")[0]["tokens"] == len(preference.chosen) + 1


def test_it_stops_between_micro_batches_once_the_runs_time_is_over(
    desk: "Desk", subject: Subject
) -> None:
    desk.put("held", examples("One.", "Two."), "examples")
    late = replace(desk.bench(), deadline=Deadline(1, at=0.0))
    with pytest.raises(BudgetReached, match="time of 1 hours is over"):
        ON_CPU.measure(subject, late)


def test_it_says_before_how_much_it_will_read() -> None:
    flow = Flow(exactly(8), Length(exactly(10), exactly(20)), valid=exactly(4))
    found = ON_CPU.expects({"held": flow})
    assert found.rows == exactly(4)
    assert found.tokens == exactly(4 * (10 + 20 + 25)), "with the template's 25 tokens"
    assert ON_CPU.expects({"held": Flow(None)}).tokens is None


def test_it_reads_the_stage_of_its_rows() -> None:
    assert ON_CPU.reads() == ("held",)
