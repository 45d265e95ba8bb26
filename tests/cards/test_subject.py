"""A card's evaluations are those of its very weights, whatever the stages are called."""

from dataclasses import replace

from pydantic import JsonValue

from openbezoar.cards.subject import Subject
from openbezoar.records import Score
from openbezoar.report.contents import Contents, Made
from openbezoar.report.numbers import EvaluateNumbers, Run
from tests.cards.conftest import by_hand

MODEL = 64 * "1"


def exam(
    number: int,
    stage: str = "exam",
    measured: str = MODEL,
    settings: dict[str, JsonValue] | None = None,
    recipe: str = "ours",
) -> Made:
    """A stage that measured a model; its number is its score and its fingerprint."""
    like = by_hand("merge", "model", {"parameters": 3}).contents.latest[1]
    science: JsonValue = {"stage": stage, "settings": {"model": "it", **(settings or {})}}
    manifest = like.artifact.manifest.model_copy(
        update={
            "stage": stage,
            "science": science,
            "fingerprint": f"{number:064}",
            "inputs": {"it": measured},
        }
    )
    numbers = EvaluateNumbers(model="it", scores=(Score(name="loss", value=number, n=1),))
    return Made(replace(like.artifact, manifest=manifest), numbers, Run(recipe=recipe))


def shown(*exams: Made) -> list[float | None]:
    """The scores in the card of the model, in their order."""
    subject: Subject = by_hand("merge", "model", {"parameters": 3})
    latest = {made.name: made for made in exams}
    held = {made.fingerprint: made for made in (subject.made, *exams)}
    contents = Contents([subject.made, *latest.values()], held, {}, [])
    found = replace(subject, contents=contents).evaluations
    return [numbers.scores[0].value for _, numbers in found]


def test_an_evaluation_stays_with_its_model_when_a_newer_one_of_that_name_is_of_another() -> None:
    assert shown(exam(3), exam(4, measured=64 * "9", recipe="theirs")) == [3]


def test_the_same_measurement_counts_once_whatever_its_stage_is_called() -> None:
    assert shown(exam(3), exam(4, stage="again", recipe="theirs")) == [4]


def test_measurements_that_differ_are_all_shown() -> None:
    assert shown(exam(3), exam(4, stage="more", settings={"limit": 4})) == [3, 4]
    assert shown(exam(3), exam(4, settings={"limit": 4}, recipe="theirs")) == [3, 4]


def test_a_stage_that_was_set_anew_counts_once() -> None:
    assert shown(exam(3), exam(4, settings={"limit": 4})) == [4]
