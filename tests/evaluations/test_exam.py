"""What both forms of MT-Bench check before anything runs."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.evaluations.mt_bench_pairs import MtBenchPairs

PROMPTS = [
    {"name": name, "system_prompt": "", "prompt_template": "mine: {question} {answer}"}
    for name in ("single-v1", "single-v1-multi-turn")
]


@pytest.fixture(autouse=True)
def nothing_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data and no downloads."""
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENBEZOAR_DATA", raising=False)


def lay_out(folder: Path, category: str = "writing") -> str:
    question = {"question_id": 1, "category": category, "turns": ["Why?"]}
    (folder / "question.jsonl").write_text(json.dumps(question), encoding="utf-8")
    lines = "".join(json.dumps(prompt) + "\n" for prompt in PROMPTS)
    (folder / "judge_prompts.jsonl").write_text(lines, encoding="utf-8")
    return str(folder)


def test_the_sample_needs_nothing() -> None:
    MtBench(judge="j").check_ready()
    MtBenchPairs(judge="j", against=("base",)).check_ready()


def test_a_set_is_judged_by_its_own_prompts(tmp_path: Path) -> None:
    part = MtBench(judge="j", questions=lay_out(tmp_path))
    part.check_ready()
    before = part.evidence()
    (tmp_path / "judge_prompts.jsonl").write_text(json.dumps(PROMPTS[0]), encoding="utf-8")
    assert part.evidence() != before


@pytest.mark.parametrize(
    ("category", "settings", "complaint"),
    [
        ("writing", {"questions": "mt_benc"}, r"questions: mt_benc/question\.jsonl: no such file"),
        ("writing", {"questions": "mt_bench"}, "questions: .*bezoar data pull mt_bench"),
        ("math", {}, r"questions: .*question 1 \(math\) lacks the reference answer to turn 1"),
        ("writing", {"wording": "fastchat", "questions": "sample"}, "data pull mt_bench"),
    ],
)
def test_what_cannot_be_used_is_found_before_anything_runs(
    tmp_path: Path, category: str, settings: dict[str, str], complaint: str
) -> None:
    part = MtBench.model_validate(
        {"judge": "j", "questions": lay_out(tmp_path, category), **settings}
    )
    with pytest.raises(ConfigError, match=complaint):
        part.check_ready()


def test_a_file_of_answers_that_is_absent_is_found_before_anything_runs() -> None:
    part = MtBenchPairs(judge="j", answers=("absent.jsonl",))
    with pytest.raises(ConfigError, match=r"answers: absent\.jsonl: no such file"):
        part.check_ready()


def test_a_judge_is_not_its_own_second() -> None:
    with pytest.raises(ValidationError, match="name another model than the judge"):
        MtBench(judge="j", second_judge="j")


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        ({}, True),
        ({"questions": "mt_bench"}, False),
        ({"questions": "mt_bench", "wording": "own"}, True),
        ({"questions": "mt_bench", "verdict": "json"}, True),
        ({"wording": "fastchat"}, False),
    ],
)
def test_fastchat_s_prompts_are_for_its_questions_unless_told(
    settings: dict[str, str], own: bool
) -> None:
    part = MtBench.model_validate({"judge": "j", **settings})
    assert part.has_own_wording(as_json=part.verdict == "json") is own
