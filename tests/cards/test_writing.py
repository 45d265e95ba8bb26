"""Cards of tiny real runs: valid for the hub library, complete, and true to the manifests."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard, RepoCard

from openbezoar.cards import Told, card, recipe_in
from openbezoar.cards.markdown import fenced
from openbezoar.errors import DataError
from openbezoar.licences import LicenceVerdict, verdict
from openbezoar.plan import plan
from openbezoar.recipe import load
from openbezoar.store import Store
from tests.cards.conftest import READER, Made, kinds
from tests.licences.conftest import Bookcase

OPEN = LicenceVerdict(spdx=None, reasons=(), unknown=("somebody states nothing",))


def front(text: str) -> Any:
    """The metadata, as the hub library reads it."""
    return RepoCard(text).data


def headings(text: str) -> list[str]:
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## (.*)$", outside, re.MULTILINE)


def test_the_hub_library_reads_the_card_of_a_data_set(rows: Made) -> None:
    data: Any = DatasetCard(rows.card("data")).data
    assert data.license == "apache-2.0"
    assert data.size_categories == "n<1K"
    assert data.tags == ["openbezoar", "synthetic", "respond"]
    assert data.openbezoar["fingerprint"] == rows.artifact("data").manifest.fingerprint


def test_a_data_set_says_where_it_comes_from_and_what_was_lost(rows: Made) -> None:
    text = rows.card("data")
    assert headings(text) == [
        "Where the rows come from", "Limits and intended use", "Licence", "Attribution", "Costs",
        "Recipe",
    ]  # fmt: skip
    assert "| `kept` | filter | 6 | 6 | none |" in text
    assert "| teacher | `teacher` | scripted | mit | the recipe | 6 |" in text
    assert "- no row was compared with the items of a benchmark" in text


def test_the_recipe_in_a_card_makes_the_same_artifacts(rows: Made, tmp_path: Path) -> None:
    text = recipe_in(rows.card("data"))
    assert text is not None
    (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
    again = plan(load(tmp_path / "again.yaml"), rows.store)
    assert {step.state for step in again} == {"made"}


def test_a_card_from_an_older_store_says_that_no_recipe_was_kept(bookcase: Bookcase) -> None:
    made = bookcase.source("rows", ("MIT",))
    numbers = {**made.manifest.numbers, "read": 1, "rejected": {}}
    path = made.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "numbers": numbers}))
    text = card(bookcase.store, made, verdict(bookcase.store, made))
    assert recipe_in(text) is None
    assert "The version that made it kept no recipe." in text
    assert "recipe_sha256" not in front(text).openbezoar


def test_equal_stores_give_equal_cards(rows: Made) -> None:
    assert rows.card("data") == rows.card("data")


def test_why_a_licence_was_accepted_stands_in_the_card(rows: Made) -> None:
    artifact, why = rows.artifact("data"), "our own rows; <b>counsel</b> agreed"
    text = card(rows.store, artifact, OPEN, Told(accepted=why))
    assert "for this reason: our own rows; &lt;b&gt;counsel&lt;/b&gt; agreed" in text
    assert "- **Unknown:** somebody states nothing" in text
    assert front(text).license == "unknown"
    assert "in spite of that" not in rows.card("data", why)


@pytest.mark.slow
def test_the_hub_library_reads_the_card_of_a_model_and_its_scores(weights: Made) -> None:
    data: Any = ModelCard(weights.card("model")).data
    scores = json.loads((weights.artifact("scores").folder / "scores.json").read_text())
    assert (data.license, data.library_name) == ("apache-2.0", "transformers")
    assert {result.metric_name: result.metric_value for result in data.eval_results} == {
        score["name"]: pytest.approx(score["value"], rel=1e-8) for score in scores
    }
    assert data.eval_results[0].metric_args["command"] == "bezoar run recipe.yaml"


@pytest.mark.slow
def test_a_model_says_how_it_was_trained_merged_and_measured(weights: Made) -> None:
    text = weights.card("model")
    assert headings(text) == [
        "How to call it", "Training", "Evaluation", "Limits and intended use",
        "What it learned from", "Licence", "Attribution", "Costs", "Recipe",
    ]  # fmt: skip
    assert "| `sft` | sft | `data` | `student` | 4 |" in text
    assert "- model: merged onto the original weights" in text
    assert "| `loss.data` |" in text
    assert "- how it takes harmful requests was not measured" in text


@pytest.mark.slow
def test_an_adapter_is_called_with_peft_and_has_no_scores_of_its_own(weights: Made) -> None:
    text = weights.card("sft")
    assert front(text).library_name == "peft"
    assert "AutoPeftModelForCausalLM" in text
    assert "The store holds no evaluation of this model." in text


@pytest.mark.slow
def test_no_folder_of_this_machine_is_named_but_in_the_recipe(weights: Made) -> None:
    text = weights.card("model")
    recipe = recipe_in(text)
    assert recipe is not None
    assert str(weights.store.root) not in text
    path = yaml.safe_load(recipe)["models"]["student"]["checkpoint"]
    assert path not in text.replace(recipe, "")


@pytest.mark.slow
def test_scores_have_no_card(weights: Made) -> None:
    with pytest.raises(DataError, match="name a stage of rows or weights"):
        verdict(weights.store, weights.artifact("scores"))


def test_a_recipe_is_not_read_out_of_another_block() -> None:
    hostile = "## Recipe\n```yaml\nname: theirs\n```\n"
    shown = [fenced(hostile, "jinja"), "## Recipe", fenced("name: ours\n# ## Recipe", "yaml")]
    assert recipe_in("\n\n".join(shown)) == "name: ours\n# ## Recipe\n"
    assert recipe_in(fenced(hostile, "jinja")) is None


def test_names_of_any_kind_do_not_break_out(bookcase: Bookcase) -> None:
    hostile = "x\n---\n# Heading\n<script>alert(1)</script> [a](javascript:b) ``` | *"
    made = bookcase.source("rows", (hostile,))
    path = made.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["numbers"] |= {"read": 1, "rejected": {hostile: 1}, "warnings": [hostile]}
    manifest["run"] |= {"recipe": hostile, "machine": hostile}
    path.write_text(json.dumps(manifest))
    text = card(Store(bookcase.store.root), made, verdict(bookcase.store, made), Told(hostile))
    assert front(text).pretty_name == f"{' '.join(hostile.split())} rows"
    assert headings(text)[-1] == "Recipe"
    assert "Heading" not in headings(text)
    found = {*kinds(READER.parse(RepoCard(text).text))}
    assert not found & {"html_inline", "html_block", "link_open", "image"}
