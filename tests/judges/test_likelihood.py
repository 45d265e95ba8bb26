"""A judge by likelihood: three figures become chances, and their product decides."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.families import Scorer
from openbezoar.judges.likelihood import OPENING, Curve, Figures, Likelihood, figures, gained
from openbezoar.models.scripted import ScriptedModel
from openbezoar.models.transformers import Transformers
from openbezoar.records import Example, Message

Make = Callable[..., Example]
SHARP = {
    name: {"half": half, "width": 0.1}
    for name, half in [("gain", 1.0), ("likelihood", -4.0), ("ending", -5.0)]
}


class Scoring(ScriptedModel, Scorer):
    """Gives these log-probabilities with a prompt, those without, and others with a full stop."""

    def __init__(
        self, given: Sequence[float], alone: Sequence[float], stopped: Sequence[float] = ()
    ) -> None:
        super().__init__(lambda request: "")
        self.scores = {"given": tuple(given), "alone": tuple(alone), "stopped": tuple(stopped)}
        self.asked: list[str] = []

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        self.asked.append(answer)
        if messages and self.scores["stopped"] and answer.endswith("."):
            return self.scores["stopped"]
        return self.scores["given" if messages else "alone"]


def test_a_curve_is_one_half_at_its_half_and_73_percent_a_width_above() -> None:
    curve = Curve(half=-2.0, width=0.5)
    assert curve.chance(-2.0) == 0.5
    assert curve.chance(-1.5) == pytest.approx(1 / (1 + math.exp(-1)))
    assert curve.chance(-2.5) == pytest.approx(1 - curve.chance(-1.5))
    assert (curve.chance(-1e9), curve.chance(1e9)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("given", "alone", "rise"),
    [
        ([-1, -1, -9], [-2, -3, -1], 3),  # 1, then 3, then 5 below
        ([-5, -5], [-1, -1], 0),  # the instruction makes it less likely throughout
        ([-1] * OPENING + [-1], [-2] * OPENING + [-99], OPENING),  # what comes later does not count
    ],
)
def test_the_gain_is_the_largest_rise_within_the_opening(
    given: list[float], alone: list[float], rise: float
) -> None:
    assert gained(given, alone) == pytest.approx(math.log(1 + rise))


async def test_the_likelihood_is_a_mean_over_the_text_and_the_ending_that_of_the_end(
    example: Make,
) -> None:
    scorer = Scoring([-1, -2, -3, -9], [-1, -2, -3, -9])
    assert await figures(example("Why?", "Because."), scorer) == Figures(0, -2, -9, 4)
    assert scorer.asked == ["Because.", "Because."]


@pytest.mark.parametrize(
    ("end", "stopped", "ending"),
    [(-9.0, [-1.0, -2.0, -0.5, -1.5], -2.0), (-0.5, [-1.0, -2.0, -3.0, -1.0], -0.5)],
)
async def test_an_answer_may_end_with_or_without_a_full_stop(
    end: float, stopped: list[float], ending: float, example: Make
) -> None:
    scorer = Scoring([-1, -2, end], [-1, -2, end], stopped)
    assert (await figures(example("Who?", "Victor Hugo "), scorer)).ending == ending
    assert scorer.asked[-1] == "Victor Hugo."


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (Figures(2.0, -2.0, -1.0, 9), "Accept"),
        (Figures(0.0, -2.0, -1.0, 9), "Reject"),  # any answer would do
        (Figures(2.0, -6.0, -1.0, 9), "Reject"),  # broken text
        (Figures(2.0, -2.0, -9.0, 9), "Reject"),  # cut off
    ],
)
def test_one_figure_alone_can_reject(shown: Figures, status: str) -> None:
    judge = Likelihood.model_validate({"model": "student", **SHARP})
    assert judge.decide(shown).status == status


async def test_the_rating_is_the_product_and_the_reason_names_its_parts(example: Make) -> None:
    judge = Likelihood.model_validate({"model": "student", **SHARP})
    scorer = Scoring([-4.0, -4.0, -5.0], [-4.0, -4.0, -5.0 - (math.e - 1)])
    grade = await judge.grade(example("Why?", "Because so."), scorer)
    assert grade.rating == 0.125
    assert grade.reason == (
        "gain 1.00 (0.50), likelihood -4.00 (0.50), ending -5.00 (0.50) over 3 tokens"
    )


def test_a_test_set_to_null_is_left_out() -> None:
    settings = {**SHARP, "likelihood": None, "ending": None}
    judge = Likelihood.model_validate({"model": "student", **settings})
    assert judge.decide(Figures(9.0, -50.0, -50.0, 9)).status == "Accept"


def test_without_any_test_there_is_no_judge() -> None:
    with pytest.raises(ValidationError, match="at least one of gain, likelihood and ending"):
        Likelihood(model="student", gain=None, likelihood=None, ending=None)


@pytest.mark.parametrize("tokens", [1, 2])
async def test_an_answer_with_too_few_tokens_is_rated_nothing(tokens: int, example: Make) -> None:
    judge = Likelihood(model="student", least_tokens=3)
    grade = await judge.grade(example("Why?", ""), Scoring([-0.1] * tokens, [-9.0] * tokens))
    assert (grade.status, grade.rating) == ("Reject", 0)


async def test_a_model_that_cannot_score_is_refused_by_name(example: Make) -> None:
    with pytest.raises(ConfigError, match="model 'student' cannot score"):
        await Likelihood(model="student").grade(
            example("Why?", "So."), ScriptedModel(lambda request: "")
        )


@pytest.mark.parametrize("answer", ["", " ", "\x00\x1b[31m\x07", "é\ufeff\u202e", "a" * 1500])
async def test_a_hostile_answer_has_a_readable_grade(
    answer: str, tiny_checkpoint: Path, example: Make
) -> None:
    spec = Transformers(checkpoint=str(tiny_checkpoint), dtype="float32")
    async with spec.connect() as model:
        grade = await Likelihood(model="student").grade(example("Why?", answer), model)
    assert grade.status in ("Accept", "Reject")
    assert grade.rating is not None
