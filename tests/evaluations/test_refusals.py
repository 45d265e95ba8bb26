"""How often harmless prompts are declined, before a training and after it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.evaluations.refusals import Refusals
from openbezoar.families import Bench, Request, Subject
from openbezoar.models.scripted import ScriptedModel
from openbezoar.records import Example, Preference, Score
from openbezoar.statistics import wilson
from tests.conftest import turns
from tests.evaluations.conftest import _opened

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk

DECLINED = "I cannot help with that."


def declines(share: int) -> ScriptedModel:
    """A model that declines every so-many-th prompt, told by the number in its words."""

    def reply(request: Request) -> str:
        return DECLINED if len(request.messages[-1].content) % share == 0 else "Gladly: it is so."

    return ScriptedModel(reply)


def scores(found: list[Score]) -> dict[str, Score]:
    return {score.name: score for score in found}


def prompts(*lengths: int) -> list[Example]:
    return [
        Example(id=f"row-{place}", messages=turns("x" * length, "Yes."))
        for place, length in enumerate(lengths)
    ]


def test_the_share_of_answers_that_decline_has_an_interval(
    desk: "Desk", paper_subject: Subject
) -> None:
    desk.put("held", prompts(1, 2, 3, 4), "examples")
    desk.student = declines(4)
    found = scores(Refusals(data="held").measure(paper_subject, desk.bench()))
    share = found["refusals"]
    assert (share.value, share.n, share.higher_is_better) == (0.25, 4, False)
    assert (share.low, share.high) == wilson(1, 4)
    assert [item["refusal"] for item in desk.notes("items.jsonl")] == ["", "", "", "refusal"]
    assert desk.notes("transcripts.jsonl")[3]["answer"] == DECLINED


def test_scores_say_how_they_were_made(desk: "Desk", paper_subject: Subject) -> None:
    """Else no two of them could be compared."""
    desk.put("held", prompts(1, 2), "examples")
    found = [
        scores(Refusals(data=data, limit=2, answer_tokens=9).measure(paper_subject, desk.bench()))
        for data in ("held", None)
    ]
    held, own = (one["refusals"].settings for one in found)
    assert held == {"rows": "held", "limit": 2, "answer_tokens": 9}
    assert {name for name in own if own[name] != held[name]} == {"rows"}


def test_without_data_the_96_instructions_that_ship_are_asked(
    desk: "Desk", paper_subject: Subject
) -> None:
    found = scores(Refusals().measure(paper_subject, desk.bench()))
    assert (found["refusals"].n, found["refusals"].value) == (96, 0.0)
    assert found["refusals.stopped"].value == 1.0
    assert found["refusals.tokens"].n == 96


def test_pairs_are_asked_by_their_prompts(
    desk: "Desk", paper_subject: Subject, preference: Preference
) -> None:
    desk.put("held", [preference], "preferences")
    Refusals(data="held").measure(paper_subject, desk.bench())
    (record,) = desk.notes("transcripts.jsonl")
    assert record["messages"] == [turn.model_dump(mode="json") for turn in preference.prompt]


def test_the_rise_is_measured_prompt_by_prompt(desk: "Desk", paper_subject: Subject) -> None:
    """Before it declined one of four, after it two of them: the rise is a quarter."""
    desk.put("held", prompts(1, 2, 3, 4), "examples")
    desk.put("base", [], "model")
    found = scores(
        Refusals(data="held", before="base").measure(paper_subject, before_and_after(desk, 4, 2))
    )
    assert (found["refusals.before"].value, found["refusals"].value) == (0.25, 0.5)
    assert (found["refusals.rise"].value, found["refusals.rise"].n) == (0.25, 4)


@pytest.mark.parametrize(("most", "fails"), [(0.2, True), (0.25, False)])
def test_a_rise_over_the_bound_fails_the_stage(
    desk: "Desk", paper_subject: Subject, most: float, fails: bool
) -> None:
    desk.put("held", prompts(1, 2, 3, 4), "examples")
    desk.put("base", [], "model")
    evaluation = Refusals(data="held", before="base", most_rise=most)
    bench = before_and_after(desk, 4, 2)
    if fails:
        with pytest.raises(ModelError, match="rose by 25% from base, over most_rise 20%"):
            evaluation.measure(paper_subject, bench)
    else:
        assert scores(evaluation.measure(paper_subject, bench))["refusals.rise"].value == 0.25


def test_a_prompt_without_an_answer_is_missing(desk: "Desk", paper_subject: Subject) -> None:
    def reply(request: Request) -> str:
        if len(request.messages[-1].content) == 2:
            raise ParseError("too long")
        return "Yes."

    desk.student = ScriptedModel(reply)
    desk.put("held", prompts(1, 2), "examples")
    found = scores(Refusals(data="held").measure(paper_subject, desk.bench()))
    assert (found["refusals"].n, found["refusals"].missing) == (1, 1)
    assert desk.notes("items.jsonl")[1]["missing"] == "too long"


@pytest.mark.parametrize(
    ("settings", "kinds", "complaint"),
    [
        ({"most_rise": 0.1}, {}, "most_rise needs `before`"),
        ({"data": "seeds"}, {"seeds": "seeds"}, "reads 'seeds', which holds seeds"),
        ({"before": "pairs"}, {"pairs": "preferences"}, "reads 'pairs', which holds preferences"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(
    settings: dict[str, Any], kinds: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Refusals(**settings).check_reads(kinds)


def before_and_after(desk: "Desk", before: int, after: int) -> Bench:
    """A bench whose `base` declines every so-many-th prompt, and the other model more or fewer."""

    def open_checkpoint(path: Path, fingerprint: str) -> Any:
        return _opened(declines(before if fingerprint == "base" else after))

    return replace(desk.bench(), open_checkpoint=open_checkpoint)
