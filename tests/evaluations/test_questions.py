"""Question files and the references beside them (trap P38)."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import DataError
from openbezoar.evaluations import references
from openbezoar.evaluations.questions import TEMPERATURES, Question, QuestionFiles
from openbezoar.evaluations.references import FOUND_WRONG, WRONG, References

MATH: dict[str, Any] = {"question_id": 1, "category": "math", "turns": ["2 + 2?", "Doubled?"]}


def test_our_own_questions_cover_the_eight_categories_with_two_turns_each() -> None:
    questions = QuestionFiles("sample").load("vetted")
    assert {question.category for question in questions} == set(TEMPERATURES)
    assert {len(question.turns) for question in questions} == {2}


@pytest.mark.parametrize(
    ("temperature", "categories"),
    [
        (0.7, ("writing", "roleplay", "one of your own")),
        (0.0, ("extraction", "math", "coding", "reasoning")),
        (0.1, ("stem", "humanities")),
    ],
)
def test_a_category_is_answered_as_freely_as_in_fastchat(
    temperature: float, categories: tuple[str, ...]
) -> None:
    for category in categories:
        question = Question(question_id=1, category=category, turns=("Why?",))
        assert question.temperature == temperature


def test_mt_bench_has_our_references_in_place_of_the_wrong_ones(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    files = QuestionFiles("mt_bench")
    vetted, classic = files.load("vetted"), files.load("classic")
    changed = {
        one.question_id: other.reference
        for one, other in zip(classic, vetted, strict=True)
        if one.reference != other.reference
    }
    assert len(vetted) == len(classic) == 80
    assert set(changed) == WRONG | FOUND_WRONG
    assert changed[111] == references.own(111)
    assert [one for one in files.load("none") if one.reference] == []


def test_without_the_data_folder_mt_bench_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path))
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="bezoar data pull mt_bench"):
        QuestionFiles("mt_bench").load("vetted")


def lay_out(folder: Path, *questions: dict[str, Any], answered: tuple[str, ...] = ()) -> Path:
    """A folder as FastChat lays it out."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    (folder / "question.jsonl").write_text(lines, encoding="utf-8")
    if answered:
        (folder / "reference_answer").mkdir()
        line = {"question_id": 1, "choices": [{"index": 0, "turns": answered}]}
        path = folder / "reference_answer" / "claude-2.1.jsonl"
        path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return folder


def test_a_folder_in_fastchat_s_layout_is_a_set_of_its_own(tmp_path: Path) -> None:
    files = QuestionFiles(str(lay_out(tmp_path, MATH, answered=("4", "8"))))
    assert files.title == tmp_path.name
    [question] = files.load("classic")
    assert (question.reference_for(0), question.reference_for(1)) == ("4", "8")
    before = files.evidence()
    lay_out(tmp_path, {**MATH, "turns": ["3 + 3?", "Doubled?"]})
    assert files.evidence() != before


@pytest.mark.parametrize("name", ["mt_bench", "sample_questions"])
def test_a_folder_does_not_pass_for_a_set_of_ours(tmp_path: Path, name: str) -> None:
    assert QuestionFiles(str(tmp_path / name)).title == f"own_{name}"
    assert QuestionFiles("mt_bench").title == "mt_bench"


def test_a_folder_is_looked_for_beside_the_recipe_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    lay_out(tmp_path / "mine", {**MATH, "category": "writing"})
    assert len(QuestionFiles("mine", tmp_path).load("vetted")) == 1


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        ({"question_id": 1, "turns": ["a"]}, r"question\.jsonl:1: field category is missing"),
        ({"question_id": 1, "category": "math"}, r"question\.jsonl:1: field turns is missing"),
        ({"category": "math", "turns": ["a"]}, r"question\.jsonl:1: field question_id is missing"),
        ({**MATH, "turns": []}, r"question\.jsonl:1: turns: .*at least 1"),
        ({**MATH, "turns": "a"}, r"question\.jsonl:1: field turns is not a list"),
    ],
)
def test_a_missing_field_is_named_with_its_line(
    tmp_path: Path, question: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        QuestionFiles(str(lay_out(tmp_path, question))).load("vetted")


def test_two_questions_of_one_number_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the same question_id"):
        QuestionFiles(str(lay_out(tmp_path, MATH, MATH))).load("none")
    with pytest.raises(DataError, match="holds no question"):
        QuestionFiles(str(lay_out(tmp_path))).load("none")


@pytest.mark.parametrize(("answered", "turn"), [((), 1), (("4",), 2)])
def test_a_math_question_without_a_reference_is_refused_unless_told(
    tmp_path: Path, answered: tuple[str, ...], turn: int
) -> None:
    files = QuestionFiles(str(lay_out(tmp_path, MATH, answered=answered)))
    choices: tuple[References, ...] = ("vetted", "classic")
    for wanted in choices:
        with pytest.raises(DataError, match=rf"question 1 \(math\) lacks .* to turn {turn}; add"):
            files.load(wanted)
    assert len(files.load("none")) == len(files.load("judge")) == 1


def test_two_files_of_references_are_refused(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, MATH, answered=("4", "8")) / "reference_answer"
    shutil.copyfile(folder / "claude-2.1.jsonl", folder / "gpt-4.jsonl")
    with pytest.raises(DataError, match="holds 2 files; leave the one to be used"):
        QuestionFiles(str(tmp_path)).load("classic")


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
