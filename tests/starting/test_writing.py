"""Whatever the five answers, the recipe is one that a plan takes at once."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.check import check
from openbezoar.errors import ConfigError
from openbezoar.estimates.forecast import forecast
from openbezoar.plan import REFUSED, plan
from openbezoar.recipe import parse
from openbezoar.starting.answers import SCHEMES, Answers
from openbezoar.starting.writing import recipe_text, write_recipe
from openbezoar.store import Store

COMBINATIONS = list(
    itertools.product(
        ("sample", "dolly", "mine.jsonl"),
        ("embedded", "openai:m@http://127.0.0.1:8000/v1", "anthropic:m"),
        SCHEMES,
        ("smollm2-135m-instruct",),
        ("none", "sample", "hh_rlhf", "pairs.jsonl"),
    )
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with rows and pairs, and no data, download or key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    for name in ("OPENBEZOAR_DATA", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mine.jsonl").write_text('{"instruction": "Say yes."}\n', encoding="utf-8")
    pair = {"prompt": "Hello", "chosen": "Good day.", "rejected": "No."}
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("answers", COMBINATIONS, ids="-".join)
def test_every_combination_of_answers_can_be_planned(
    folder: Path, answers: tuple[str, ...]
) -> None:
    recipe = write_recipe(folder / "recipe.yaml", Answers(*answers))
    store = Store(folder / "store")
    steps = plan(recipe, store)
    assert {step.state for step in steps} == {"to make"}
    refusals = [line for step in steps for line in step.warnings if line.startswith(REFUSED)]
    pulled = {"dolly", "hh_rlhf"} & {answers[0], answers[-1]}
    assert len(refusals) == len(pulled)
    assert all("`bezoar data pull " in line for line in refusals), "else it can run as it is"
    assert [one.stage for one in forecast(recipe, steps, store)] == list(recipe.stages)
    assert [fault for one in check(recipe, store, None, 0) for fault in one.faults] == []


def test_every_stage_and_model_has_a_comment_above_or_beside(folder: Path) -> None:
    write_recipe(folder / "recipe.yaml", Answers())
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[2].startswith("# Run it with: bezoar run ")
    assert text.count("#") > 15
    assert "\n\n\n" not in text


def test_a_file_that_is_there_is_left_alone(folder: Path) -> None:
    (folder / "recipe.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is there already; .* --force"):
        write_recipe(folder / "recipe.yaml", Answers())
    assert (folder / "recipe.yaml").read_text(encoding="utf-8") == "mine"
    write_recipe(folder / "recipe.yaml", Answers(), force=True)


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        (Answers(rows="sampel"), "did you mean 'sample'"),
        (Answers(rows="absent.jsonl"), "absent.jsonl: no such file"),
        (Answers(rows="empty.jsonl"), "rows: empty.jsonl: the source gave no usable row"),
        (
            Answers(rows="pairs.jsonl"),
            r"rows: .* 'field instruction is missing', .* pairs\.jsonl:1",
        ),
        (
            Answers(preferences="mine.jsonl"),
            r"preferences: .* 'field prompt is missing', .* mine\.jsonl:1",
        ),
        (Answers(preferences="hh-rlhf"), "did you mean 'hh_rlhf'"),
        (Answers(scheme="orca"), "scheme: unknown 'orca'"),
        (Answers(teacher="gpt"), "write embedded, openai:MODEL"),
        (Answers(teacher="openai:"), "write embedded, openai:MODEL"),
        (Answers(teacher="anthropic:m@http://a/v1"), "write embedded, openai:MODEL"),
        (Answers(teacher="openai:m@http:///v1"), "is no address"),
        (Answers(teacher="openai:m@127.0.0.1:80/v1"), "openai:m@http://127.0.0.1:80/v1$"),
        (Answers(teacher="openai:m@127.0.0.1:80"), "openai:m@http://127.0.0.1:80/v1$"),
        (Answers(teacher="openai:m@"), "one begins with http:// or https://"),
        (Answers(teacher="openai:@"), "one begins with http:// or https://"),
        (Answers(base="/absent/folder"), "/absent/folder: no such folder; .* OWNER/NAME"),
        (Answers(base="gpt2"), "gpt2: no such folder; .* OWNER/NAME"),
        (Answers(base=" "), "base: name a checkpoint"),
        (Answers(base="a\nb"), "base: name a checkpoint"),
    ],
)
def test_an_answer_that_is_none_says_what_would_be(
    folder: Path, answers: Answers, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        write_recipe(folder / "recipe.yaml", answers)
    assert not (folder / "recipe.yaml").exists()


@given(st.text(alphabet=st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip))
def test_no_name_can_leave_its_place(name: str) -> None:
    answers = Answers(teacher=f"anthropic:{name}", base=name)
    recipe = parse(recipe_text(Path("recipe.yaml"), answers), Path("recipe.yaml"))
    assert recipe.models["teacher"].model_dump()["model"] == name
    assert recipe.models["student"].model_dump()["checkpoint"] == name


@given(st.text(min_size=1, alphabet=st.characters(exclude_characters="/\x00")))
def test_any_file_name_gives_a_recipe_with_a_name(name: str) -> None:
    assert parse(recipe_text(Path(name), Answers()), Path("recipe.yaml")).name
