"""A judge is tried before it filters, and what is known of it can be asked for."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError, ParseError
from openbezoar.families import ModelSpec, Request, random_for
from openbezoar.judges.acceptance import Acceptance
from openbezoar.judges.calibrated import JudgeMark
from openbezoar.judges.qualification import kin, probes_of, qualified, tried
from openbezoar.models.llama_cpp import LlamaCpp, Slots
from openbezoar.models.openai import OpenAI
from openbezoar.models.scripted import Scripted, ScriptedModel
from openbezoar.models.transformers import Transformers
from openbezoar.records import Example, Grade
from openbezoar.sources.sample import SampleSource
from openbezoar.store import Artifact, Manifest

Make = Callable[..., Example]
JUDGE = Acceptance(model="proxy")
SPEC = Scripted(lines=())
ACCEPT = '{"reason": "fine", "rating": 9, "status": "Accept"}'


def accepted(grade: Grade) -> bool:
    return grade.status == "Accept"


def rows(example: Make, n: int) -> list[Example]:
    return [example(f"Question {p}?", f"This is answer number {p}.", id=f"r{p}") for p in range(n)]


def made(stage: str, **figures: Any) -> Artifact:
    """A filter stage's artifact that holds the trial of a judge."""
    manifest = Manifest(
        stage=stage, kind="filter", makes="examples", fingerprint="0", science=None, inputs={},
        numbers={"judges": [figures]}, files={}, run={},
    )  # fmt: skip
    return Artifact(Path(stage), manifest)


def trial(auc: float, spec: ModelSpec = SPEC) -> dict[str, Any]:
    interval = [auc - 0.1, auc + 0.05]
    mark = JudgeMark.of(JUDGE, spec).fingerprint
    return {"mark": mark, "auc_pooled": auc, "auc_pooled_interval": interval}


def test_probes_are_real_answers_bad_ones_and_as_many_hard_pairs(example: Make) -> None:
    probes = probes_of(rows(example, 5), random_for("probes"))
    kinds = [kind for kind, _ in probes]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ["real", "mismatched", "refusal", "junk", "shuffled", "truncated",
         "hard_right", "hard_wrong"], 5,
    )  # fmt: skip
    assert len({row.id for _, row in probes}) == len(probes)


async def test_what_a_server_refuses_is_a_complaint_and_not_a_grade(example: Make) -> None:
    def answer(request: Request) -> str:
        if "Question 1?" in request.messages[0].content:
            raise ParseError("refused by the server", "too long")
        return ACCEPT

    probes = probes_of(rows(example, 3), random_for("probes"))
    found = await tried(partial(JUDGE.grade, model=ScriptedModel(answer)), probes, accepted)
    assert found.shown.accepted["real"] == (2, 2, 1)
    assert found.complaints == {"refused by the server: too long": 1}


@pytest.mark.parametrize(("refused", "stops"), [(5, False), (6, True)])
async def test_a_judge_silent_on_most_real_answers_is_not_trusted(
    refused: int, stops: bool, example: Make
) -> None:
    def answer(request: Request) -> str:
        asked = request.messages[0].content
        return "hm" if any(f"Question {p}?" in asked for p in range(refused)) else ACCEPT

    real = [("real", row) for row in rows(example, 10)]
    found = await tried(partial(JUDGE.grade, model=ScriptedModel(answer)), real, accepted)
    if stops:
        with pytest.raises(DataError, match="no readable verdict on 6 of 10 real answers"):
            found.trust(JUDGE, 0.7)
    else:
        found.trust(JUDGE, 0.7)


def test_what_is_known_of_a_judge_is_said_with_its_interval() -> None:
    assert qualified(JUDGE, SPEC, "kept", []) == "judge acceptance on proxy: untried"
    artifacts = [made("kept", **trial(0.8)), made("kept", **trial(0.9)), made("other", **trial(1))]
    assert qualified(JUDGE, SPEC, "kept", artifacts) == (
        "judge acceptance on proxy: AUC 0.90 (0.80 to 0.95)"
    )
    assert qualified(JUDGE, SPEC, "new", artifacts[:1]).endswith("AUC 0.80 (0.70 to 0.85) in kept")


def test_a_trial_of_another_judge_says_nothing_of_this_one() -> None:
    other = JUDGE.model_copy(update={"max_tokens": 99})
    assert qualified(other, SPEC, "kept", [made("kept", **trial(0.8))]).endswith("untried")
    assert qualified(JUDGE, SPEC, "kept", [made("kept", mark=trial(1)["mark"])]).endswith("untried")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (OpenAI(model="m"), OpenAI(model="m", tokens_field="max_completion_tokens"), True),
        (LlamaCpp(model="/a/Tiny.gguf"), Transformers(checkpoint="owner/tiny"), True),
        (LlamaCpp(model="tiny"), Transformers(checkpoint="/b/tiny/"), True),
        (OpenAI(model="m"), OpenAI(model="m-large"), False),
    ],
)
def test_a_model_is_known_again_by_its_name(one: ModelSpec, other: ModelSpec, same: bool) -> None:
    assert kin(one, other) is kin(other, one) is same


@pytest.mark.slow
async def test_the_embedded_model_is_refused_as_a_verbal_judge() -> None:
    source = SampleSource(rows_of="instructions", answers=True, limit=8, sample="random")
    real = [row for row in source.rows() if isinstance(row, Example)]
    all_kinds = probes_of(real, random_for("embedded"))
    probes = [probe for probe in all_kinds if probe[0] in ("real", "junk")]
    judge = Acceptance(model="embedded", max_tokens=120)
    async with LlamaCpp(runtime=Slots(slots=4, threads=1)).connect() as model:
        found = await tried(partial(judge.grade, model=model), probes, accepted)
    with pytest.raises(DataError, match="cannot tell good answers from bad ones"):
        found.trust(judge, 0.7)
