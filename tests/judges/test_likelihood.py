"""A judge by likelihood: three figures become chances, and their product decides."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.families import Scorer
from openbezoar.judges.likelihood import OPENING, Curve, Figures, Likelihood, figures
from openbezoar.models.scripted import ScriptedModel
from openbezoar.models.transformers import Transformers
from openbezoar.records import Example, Message

Make = Callable[..., Example]
SHARP = {
    name: {"half": half, "width": 0.1}
    for name, half in [("gain", 1.0), ("likelihood", -4.0), ("ending", -5.0)]
}


class Scoring(ScriptedModel, Scorer):
    """Gives these log-probabilities with a prompt, and those without."""

    def __init__(self, given: Sequence[float], alone: Sequence[float]) -> None:
        super().__init__(lambda request: "")
        self.scores = {True: tuple(given), False: tuple(alone)}

    async def log_probabilities(
        self, messages: Sequence[Message], answer: str
    ) -> tuple[float, ...]:
        return self.scores[bool(messages)]


def test_a_curve_is_one_half_at_its_half_and_73_percent_a_width_above() -> None:
    curve = Curve(half=-2.0, width=0.5)
    assert curve.chance(-2.0) == 0.5
    assert curve.chance(-1.5) == pytest.approx(1 / (1 + math.exp(-1)))
    assert curve.chance(-2.5) == pytest.approx(1 - curve.chance(-1.5))
    assert (curve.chance(-1e9), curve.chance(1e9)) == (0.0, 1.0)


def test_figures_are_means_per_token_and_the_end() -> None:
    assert figures([-1, -2, -3, -9], [-2, -4, -6, -9]) == Figures(1.5, -2.0, -9, 4)


def test_the_gain_is_that_of_the_opening() -> None:
    given = [-1.0] * OPENING + [-5.0] * 100
    assert figures(given, [-3.0] * OPENING + [-5.0] * 100).gain == 2.0


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
    scorer = Scoring([-4.0, -4.0, -5.0], [-5.0, -5.0, -6.0])
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
