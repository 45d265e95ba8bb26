"""Question files."""

from pathlib import Path

import pytest

from openbezoar.errors import DataError
from openbezoar.evaluations.questions import TEMPERATURES, WRONG, Question, load


def test_our_own_questions_cover_the_eight_categories_with_two_turns_each() -> None:
    questions = load("sample", "vetted")
    assert {question.category for question in questions} == set(TEMPERATURES)
    assert {len(question.turns) for question in questions} == {2}


def test_our_own_guided_questions_have_a_reference_for_every_turn() -> None:
    guided = [one for one in load("sample", "vetted") if one.category in {"math", "reasoning"}]
    assert guided
    assert all(one.reference_for(0) and one.reference_for(1) for one in guided)


def test_mt_bench_has_eighty_questions_and_drops_references_known_to_be_wrong(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    vetted, classic = load("mt_bench", "vetted"), load("mt_bench", "classic")
    assert len(vetted) == len(classic) == 80
    lost = {
        one.question_id
        for one, other in zip(classic, vetted, strict=True)
        if one.reference and not other.reference
    }
    assert lost == set(WRONG)


def test_without_the_data_folder_mt_bench_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="bezoar data pull mt_bench"):
        load("mt_bench", "vetted")


@pytest.mark.parametrize(
    ("category", "temperature"),
    [("writing", 0.7), ("roleplay", 0.7), ("math", 0.0), ("stem", 0.1), ("cooking", 0.7)],
)
def test_the_category_decides_how_freely_a_question_is_answered(
    category: str, temperature: float
) -> None:
    assert Question(question_id=1, category=category, turns=("a",)).temperature == temperature


def test_a_reference_is_shown_only_for_the_guided_categories() -> None:
    both = {"question_id": 1, "turns": ("a", "b"), "reference": ("4",)}
    assert Question(category="math", **both).reference_for(0) == "4"
    assert Question(category="math", **both).reference_for(1) == ""
    assert Question(category="writing", **both).reference_for(0) == ""
