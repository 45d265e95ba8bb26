"""Who states a licence: the recipe run last, the catalog, a checkpoint's own card."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.licences.lineage import Use, lineage
from openbezoar.licences.records import Origin
from openbezoar.licences.statements import stated
from tests.licences.conftest import SMOLLM, Bookcase

SERVED = {"kind": "openai", "model": "m", "extra": {}}


def teacher_of(bookcase: Bookcase, spec: Any) -> Origin:
    bookcase.source("seeds", ("MIT",))
    made = bookcase.generate("rows", "seeds", spec)
    use: Use = lineage(bookcase.store, made).uses[0]
    return stated(bookcase.store, use)


def test_the_catalog_knows_the_models_of_the_recipes(bookcase: Bookcase) -> None:
    found = teacher_of(bookcase, SMOLLM)
    assert (found.licence, found.stated_by) == ("Apache-2.0", "the catalog")


@pytest.mark.parametrize(
    ("file", "content", "licence"),
    [
        ("README.md", "---\nlicense: mit\n---\n# A model\n", "mit"),
        ("README.md", "---\nlicense:\n- mit\n- apache-2.0\n---\n", "mit AND apache-2.0"),
        ("README.md", "no front matter", ""),
        ("README.md", "---\nlicense: [\n---\n", ""),
        ("README.md", "---\n- just a list\n---\n", ""),
        ("config.json", json.dumps({"license": "bsd-3-clause"}), "bsd-3-clause"),
        ("config.json", "{", ""),
        ("config.json", "[]", ""),
    ],
)
def test_a_checkpoints_own_card_or_configuration_states_its_licence(
    bookcase: Bookcase, tmp_path: Path, file: str, content: str, licence: str
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / file).write_text(content, encoding="utf-8")
    found = teacher_of(bookcase, {"kind": "transformers", "checkpoint": str(folder)})
    assert (found.licence, found.what) == (licence, "checkpoint")


def test_the_recipe_run_last_wins_over_earlier_ones_and_over_the_card(bookcase: Bookcase) -> None:
    for licence in ("mit", "cc-by-4.0"):
        bookcase.store.keep_recipe(
            f"models: {{teacher: {{model: smollm2-135m-instruct, licence: {licence}}}}}"
        )
    found = teacher_of(bookcase, SMOLLM)
    assert (found.licence, found.stated_by) == ("cc-by-4.0", "the recipe")


@pytest.mark.parametrize(
    "models",
    ["{teacher: {model: another, licence: mit}}", "{other: {licence: mit}}", "{}"],
)
def test_what_a_recipe_states_of_another_model_is_no_matter(
    bookcase: Bookcase, models: str
) -> None:
    bookcase.store.keep_recipe(f"models: {models}")
    assert teacher_of(bookcase, SMOLLM).licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("address", "provider", "stranger"),
    [
        ("https://api.openai.com/v1", "OpenAI", ""),
        ("https://gpu.example.com/v1", "", "gpu.example.com"),
        ("http://127.0.0.1:8000/v1", "", ""),
        ("http://localhost:8000/v1", "", ""),
    ],
)
def test_who_serves_a_model_is_told_by_the_recipe_that_asked_it(
    bookcase: Bookcase, address: str, provider: str, stranger: str
) -> None:
    recipe = f"models: {{teacher: {{kind: openai, model: m, runtime: {{base_url: '{address}'}}}}}}"
    bookcase.recipe = bookcase.store.keep_recipe(recipe)
    found = teacher_of(bookcase, SERVED)
    assert (found.provider, found.stranger) == (provider, stranger)


def test_a_stated_licence_settles_a_stranger_but_not_a_providers_terms(bookcase: Bookcase) -> None:
    for address, provider in (("https://x.example/v1", ""), ("https://api.openai.com", "OpenAI")):
        recipe = f"models: {{teacher: {{licence: mit, runtime: {{base_url: '{address}'}}}}}}"
        bookcase.recipe = bookcase.store.keep_recipe(recipe)
        found = teacher_of(bookcase, SERVED)
        assert (found.licence, found.provider, found.stranger) == ("mit", provider, "")


@pytest.mark.parametrize("text", ["", "models: [", "- 1", "models:", "models: {other: {}}"])
def test_without_a_recipe_that_can_be_read_a_server_is_a_stranger_or_told_by_the_models_name(
    bookcase: Bookcase, text: str
) -> None:
    bookcase.recipe = bookcase.store.keep_recipe(text) if text else "gone"
    assert teacher_of(bookcase, {"kind": "openai", "model": "gpt-4"}).provider == "OpenAI"
    assert teacher_of(bookcase, SERVED).stranger == "an address that was not kept"


def test_nobody_states_the_licence_of_rows_that_have_none(bookcase: Bookcase) -> None:
    for licences, by in ((("MIT",), "the recipe"), ((), "")):
        use = lineage(bookcase.store, bookcase.source(f"rows{len(licences)}", licences)).uses[0]
        assert stated(bookcase.store, use).stated_by == by


@pytest.mark.parametrize(
    ("spec", "what", "address"),
    [
        (SMOLLM, "HuggingFaceTB/SmolLM2-135M-Instruct", "https://huggingface.co/HuggingFaceTB/"),
        ({"kind": "openai", "model": "openai/gpt-4o"}, "openai/gpt-4o", ""),
        ({"kind": "llama_cpp", "model": "/home/me/gone.gguf"}, "gone.gguf", ""),
    ],
)
def test_a_model_is_named_without_the_folders_of_this_machine(
    bookcase: Bookcase, spec: Any, what: str, address: str
) -> None:
    found = teacher_of(bookcase, spec)
    assert (found.what, found.address.startswith(address)) == (what, True)
    assert bool(found.address) == bool(address)
