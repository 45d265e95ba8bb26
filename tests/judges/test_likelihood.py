"""A judge by likelihood: two margins, the smaller of which decides."""

from collections.abc import Callable, Sequence

import pytest

from openbezoar.errors import ConfigError
from openbezoar.judges.likelihood import Likelihood
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Example, Message

Make = Callable[..., Example]


def scorer(given: float, alone: float, tokens: int) -> ScriptedModel:
    from openbezoar.families import Scorer

    class Scoring(ScriptedModel, Scorer):
        async def log_probability(
            self, messages: Sequence[Message], answer: str
        ) -> tuple[float, int]:
            return (given if messages else alone), tokens

    return Scoring(lambda request: "")


@pytest.mark.parametrize(
    ("given", "alone", "status", "rating"),
    [
        (-20.0, -30.0, "Accept", 0.75),  # -2 a token is 2.5 above -4.5, times 0.3
        (-20.0, -25.0, "Accept", 0.3),  # gain 0.5 is 0.3 above 0.2
        (-20.0, -21.0, "Reject", -0.1),  # gain 0.1 is below 0.2
        (-60.0, -90.0, "Reject", -0.45),  # -6 a token is 1.5 below -4.5, times 0.3
        (-20.0, -22.0, "Accept", 0.0),  # just enough
    ],
)
async def test_the_smaller_margin_decides(
    given: float, alone: float, status: str, rating: float, example: Make
) -> None:
    judge = Likelihood(model="student")
    grade = await judge.grade(example("Why?", "Because."), scorer(given, alone, 10))
    assert grade.status == status
    assert grade.rating == pytest.approx(rating)
    assert f"gain {(given - alone) / 10:.2f}" in str(grade.reason)


def test_without_a_floor_only_the_gain_counts() -> None:
    judge = Likelihood(model="student", least_likelihood=None)
    assert judge.decide(1.0, -50.0, 10).status == "Accept"


def test_an_answer_with_too_few_tokens_is_rejected() -> None:
    judge = Likelihood(model="student", least_tokens=3)
    assert judge.decide(1.0, -1.0, 2).status == "Reject"
    assert judge.decide(1.0, -1.0, 3).status == "Accept"


async def test_a_model_that_cannot_score_is_refused_by_name(example: Make) -> None:
    with pytest.raises(ConfigError, match="model 'student' cannot score"):
        await Likelihood(model="student").grade(
            example("Why?", "So."), ScriptedModel(lambda request: "")
        )
