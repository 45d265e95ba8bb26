"""The verdict on data sets and models: what follows from teacher, seeds, judge and base."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from openbezoar import runner
from openbezoar.errors import DataError
from openbezoar.licences import LicenceVerdict, told, verdict
from openbezoar.plan import plan
from openbezoar.recipe import load
from openbezoar.store import Store
from tests.licences.conftest import OWN, SMOLLM, Bookcase

MIT, SHARED, UNPAID = ("MIT",), ("CC-BY-SA-3.0",), ("CC-BY-NC-4.0",)
GPT = {"kind": "openai", "model": "gpt-4o"}
CLAUDE = {"kind": "anthropic", "model": "claude-sonnet-5"}
LLAMA = {"kind": "transformers", "checkpoint": "their/llama"}
ORCA = {"kind": "orca", "wording": "original"}
LAMINI = {"kind": "lamini", "topics": "wikipedia", "guided": "both"}


def model_of(bookcase: Bookcase, teacher: Any, *rows: tuple[str, ...]) -> LicenceVerdict:
    bookcase.source("seeds", *rows)
    bookcase.generate("rows", "seeds", teacher)
    bookcase.mix("data", "rows")
    bookcase.train("sft", "student", "data")
    return verdict(bookcase.store, bookcase.merge("model", "sft"))


@pytest.mark.parametrize(
    ("rows", "spdx"),
    [
        ([MIT], "Apache-2.0 AND MIT"),
        ([("Apache-2.0",)], "Apache-2.0"),
        ([MIT, SHARED], "CC-BY-SA-3.0"),
        ([UNPAID], "CC-BY-NC-4.0"),
    ],
)
def test_a_model_is_under_the_strictest_of_its_rows_and_its_base(
    bookcase: Bookcase, rows: list[tuple[str, ...]], spdx: str
) -> None:
    found = model_of(bookcase, SMOLLM, *rows)
    assert (found.spdx, found.publishable) == (spdx, True)


@pytest.mark.parametrize(
    ("teacher", "rows", "field", "said"),
    [
        (GPT, [MIT], "conflicts", "OpenAI's terms do not let answers be used to develop"),
        (CLAUDE, [MIT], "conflicts", "Anthropic's terms"),
        (SMOLLM, [SHARED, UNPAID], "conflicts", "lets everybody earn"),
        (OWN, [MIT], "unknown", "teacher teacher (our/own): nobody states its licence"),
        (SMOLLM, [("for friends",)], "unknown", "1 row bears 'for friends': no licence of this"),
        (SMOLLM, [("LicenseRef-source-terms",)], "unknown", "terms of their own"),
        (SMOLLM, [("Zend-2.0",)], "unknown", "SPDX knows it, but its terms are not in the table"),
        (SMOLLM, [MIT, (), ()], "unknown", "2 rows bear no licence"),
    ],
)
def test_a_conflict_or_an_unknown_leaves_no_identifier(
    bookcase: Bookcase, teacher: Any, rows: Any, field: str, said: str
) -> None:
    found = model_of(bookcase, teacher, *rows)
    assert (found.spdx, found.publishable) == (None, False)
    assert said in " ".join(getattr(found, field))


def test_rows_beside_each_other_keep_their_own_licences(bookcase: Bookcase) -> None:
    found = verdict(bookcase.store, bookcase.source("rows", MIT, SHARED, SHARED, UNPAID))
    assert found.spdx == "CC-BY-NC-4.0 AND CC-BY-SA-3.0 AND MIT"
    assert found.licences == {"CC-BY-NC-4.0": 1, "CC-BY-SA-3.0": 2, "MIT": 1}
    assert "each row stays under its own licence" in found.reasons


def test_one_row_under_terms_that_clash_is_a_conflict(bookcase: Bookcase) -> None:
    found = verdict(bookcase.store, bookcase.source("rows", MIT, SHARED + UNPAID))
    assert not found.publishable
    assert "CC-BY-NC-4.0 nobody" in found.conflicts[0]


def test_the_answers_of_a_judge_are_under_its_providers_terms(bookcase: Bookcase) -> None:
    bookcase.source("seeds", MIT)
    bookcase.generate("rows", "seeds", SMOLLM)
    found = verdict(bookcase.store, bookcase.judged("kept", "rows", GPT))
    assert found.conflicts[0].startswith("judge judge (gpt-4o): OpenAI's terms")


REACHING = pytest.mark.parametrize(
    ("licence", "rows_spdx", "model_spdx"),
    [
        ("apache-2.0", "MIT", "Apache-2.0 AND MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("gemma", "MIT", "LicenseRef-Gemma"),
        ("llama2", None, None),
        ("cc-by-nd-4.0", None, None),
    ],
)
"""The licence of a model, then of rows in its words, then of a model that learned from them."""


@REACHING
def test_a_teachers_own_licence_may_reach_its_answers(
    bookcase: Bookcase, licence: str, rows_spdx: str | None, model_spdx: str | None
) -> None:
    recipe = f"models: {{teacher: {{licence: {licence}, checkpoint: their/llama}}}}"
    bookcase.store.keep_recipe(recipe)
    model = model_of(bookcase, LLAMA, MIT)
    rows = verdict(bookcase.store, bookcase.made["rows"])
    assert (rows.spdx, model.spdx) == (rows_spdx, model_spdx)


@REACHING
def test_what_a_judge_wrote_is_under_its_licence_as_a_teachers_answers_are(
    bookcase: Bookcase, licence: str, rows_spdx: str | None, model_spdx: str | None
) -> None:
    recipe = f"models: {{judge: {{licence: {licence}, checkpoint: their/llama}}}}"
    bookcase.store.keep_recipe(recipe)
    bookcase.source("seeds", MIT)
    bookcase.generate("rows", "seeds", SMOLLM)
    rows = bookcase.judged("kept", "rows", LLAMA)
    bookcase.mix("data", "kept")
    model = bookcase.train("sft", "student", "data")
    found = [verdict(bookcase.store, made).spdx for made in (rows, model)]
    assert found == [rows_spdx, model_spdx]


@pytest.mark.parametrize(
    ("teacher", "conflicts", "unknown"),
    [(GPT, 1, 0), ({"kind": "openai", "model": "olmo"}, 0, 1), (OWN, 0, 1)],
)
def test_what_speaks_against_a_teacher_is_said_once(
    bookcase: Bookcase, teacher: Any, conflicts: int, unknown: int
) -> None:
    found = model_of(bookcase, teacher, MIT)
    assert (len(found.conflicts), len(found.unknown)) == (conflicts, unknown)


@pytest.mark.parametrize("name", ["teacher", "student"])
@pytest.mark.parametrize(
    ("licence", "why"),
    [
        ("for friends", "no licence of this name is known"),
        ("licenseref-our-terms", "terms of their own, which are not known here"),
        ("Zend-2.0", "SPDX knows it, but its terms are not in the table of licences"),
    ],
)
def test_a_licence_of_a_model_that_nobody_knows_keeps_all_that_came_of_it(
    bookcase: Bookcase, name: str, licence: str, why: str
) -> None:
    stated = {"teacher": "MIT", "student": "MIT"} | {name: licence}
    models = [
        f"{one}: {{licence: '{text}', checkpoint: their/llama}}" for one, text in stated.items()
    ]
    bookcase.store.keep_recipe(f"models: {{{', '.join(models)}}}")
    bookcase.source("seeds", MIT)
    bookcase.generate("rows", "seeds", LLAMA)
    bookcase.mix("data", "rows")
    found = verdict(bookcase.store, bookcase.train("sft", "student", "data", LLAMA))
    role = "base" if name == "student" else name
    assert found.unknown == (f"{role} {name} (their/llama): {licence!r}, {why}",)
    assert not found.publishable


@pytest.mark.parametrize(("scheme", "is_known"), [(ORCA, False), (LAMINI, True)])
def test_words_of_others_whose_licence_nobody_states_keep_the_rows(
    bookcase: Bookcase, scheme: dict[str, str], is_known: bool
) -> None:
    bookcase.source("seeds", MIT)
    found = verdict(bookcase.store, bookcase.generate("rows", "seeds", SMOLLM, **scheme))
    told = "wording rows (Orca's system messages): nobody states its licence"
    assert found.unknown == (() if is_known else (told,))
    assert found.publishable == is_known


def test_answers_may_train_a_model_of_the_teachers_own_family(bookcase: Bookcase) -> None:
    models = "{licence: llama2, checkpoint: their/llama}"
    bookcase.store.keep_recipe(f"models: {{teacher: {models}, student: {models}}}")
    bookcase.source("seeds", MIT)
    bookcase.generate("rows", "seeds", LLAMA)
    bookcase.mix("data", "rows")
    made = bookcase.train("sft", "student", "data", LLAMA)
    assert verdict(bookcase.store, made).spdx == "LicenseRef-Llama-2"


def test_what_the_store_no_longer_holds_is_unknown(bookcase: Bookcase) -> None:
    bookcase.source("seeds", MIT)
    made = bookcase.generate("rows", "seeds", SMOLLM)
    shutil.rmtree(bookcase.made["seeds"].folder)
    found = verdict(bookcase.store, made)
    assert found.unknown == ("stage seeds: the store no longer holds what it made; run it again",)


def test_a_corrupt_artifact_elsewhere_in_the_store_is_passed_by(bookcase: Bookcase) -> None:
    made = bookcase.source("rows", MIT)
    broken = bookcase.source("broken", MIT)
    (broken.folder / "manifest.json").write_text("{")
    assert verdict(bookcase.store, made).spdx == "MIT"


def test_a_manifest_that_does_not_say_what_it_was_made_from_is_refused(bookcase: Bookcase) -> None:
    made = bookcase.put("rows", "generate", "examples", {}, rows=[MIT])
    with pytest.raises(DataError, match=r"rows-.*cannot be told from its manifests"):
        verdict(bookcase.store, made)


def test_attribution_names_every_source_and_the_base(bookcase: Bookcase) -> None:
    bookcase.source("dolly", SHARED, kind="dolly")
    bookcase.generate("orca", "dolly", SMOLLM, kind="orca", wording="original")
    bookcase.mix("data", "orca")
    named = verdict(bookcase.store, bookcase.train("sft", "student", "data")).attributions
    assert named[0].startswith("HuggingFaceTB/SmolLM2-135M-Instruct (https://huggingface.co/")
    assert named[1].startswith("Orca's system messages: licence unknown")
    assert named[2].startswith("databricks/databricks-dolly-15k (https://huggingface.co/datasets/")
    assert "CC-BY-SA-3.0 (https://spdx.org/licenses/CC-BY-SA-3.0.html)" in named[2]


RECIPE = """\
name: tiny
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions, limit: 4}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
"""


def test_a_licence_stated_afterwards_makes_nothing_anew(tmp_path: Path) -> None:
    path, store = tmp_path / "recipe.yaml", Store(tmp_path / "store")
    path.write_text(RECIPE, encoding="utf-8")
    made = runner.run(load(path), store, lambda stage, text: None)[-1]
    assert verdict(store, made).unknown[0].startswith("teacher teacher (scripted): nobody states")
    stated = load(path, ["models.teacher.licence=mit"])
    assert {step.state for step in plan(stated, store)} == {"made"}
    runner.run(stated, store, lambda stage, text: None)
    found = verdict(store, made)
    assert found.spdx == "Apache-2.0"
    assert "licence: Apache-2.0" in told(found)
