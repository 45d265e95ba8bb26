"""The front matter of cards: valid whatever the names, and true to verdicts and manifests."""

from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import RepoCard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from openbezoar.cards import Told
from openbezoar.cards.metadata import licence_metadata, metadata
from openbezoar.licences import LicenceVerdict, Origin
from openbezoar.records import Score
from openbezoar.report.numbers import Run
from tests.cards.conftest import by_hand

NUMBERS: dict[str, JsonValue] = {
    "rows": 4, "steps": 1, "tokens": 90, "first_loss": 2.0, "last_loss": 1.0, "parameters": 3,
}  # fmt: skip
OTHER = {"license": "other", "license_name": "terms-in-this-card"}


@pytest.mark.parametrize(
    ("spdx", "of_rows", "of_model"),
    [
        ("CC-BY-SA-3.0", {"license": "cc-by-sa-3.0"}, {"license": "cc-by-sa-3.0"}),
        ("LicenseRef-Gemma", {"license": "gemma"}, {"license": "gemma"}),
        (
            "Apache-2.0 AND MIT",
            {"license": ["apache-2.0", "mit"]},
            {"license": "other", "license_name": "apache-2.0-and-mit"},
        ),
        (
            "CC-BY-SA-2.5",
            *[
                {
                    "license": "other",
                    "license_name": "cc-by-sa-2.5",
                    "license_link": "https://spdx.org/licenses/CC-BY-SA-2.5.html",
                }
            ]
            * 2,
        ),
        (None, {"license": "unknown"}, {"license": "unknown"}),
    ],
)
def test_a_licence_has_the_hubs_word_or_a_name_of_its_own(
    spdx: str | None, of_rows: dict[str, Any], of_model: dict[str, Any]
) -> None:
    found = LicenceVerdict(spdx=spdx, reasons=())
    assert licence_metadata(found, many=True) == of_rows
    assert licence_metadata(found, many=False) == of_model


def test_terms_that_clash_are_named_other_and_not_unknown() -> None:
    found = LicenceVerdict(spdx=None, reasons=(), conflicts=("they clash",))
    assert licence_metadata(found, many=True) == OTHER


@given(st.text(max_size=20) | st.sampled_from(["\x85", "\u2028---", "\n---\nlicense: gpl", "- x"]))
def test_a_title_of_any_text_is_one_value_of_the_front_matter(name: str) -> None:
    subject = by_hand("mix", "examples data set", {"train": 1, "valid": 0})
    subject = replace(subject, made=replace(subject.made, run=Run(recipe=name)))
    card = RepoCard(f"---\n{metadata(subject).to_yaml()}\n---\n\n# Body\n")
    data: Any = card.data
    assert (data.pretty_name, data.license) == (subject.title, "mit")
    assert card.text.strip() == "# Body"


def test_the_scores_of_a_model_index_have_their_digits_and_their_flags() -> None:
    score = Score(name="arc.acc", value=1.234567891e-7, n=8, flags=("first 8 rows",))
    found: Any = metadata(by_hand("merge", "model", {"parameters": 3}, score))
    (result,) = found.eval_results
    assert result.metric_value == 1.23456789e-7
    assert result.metric_args["flags"] == ["first 8 rows"]


BASE: JsonValue = {"checkpoint": "student", "fingerprint": "abc"}
MERGED: JsonValue = {"artifact": "abc", "folder": "model", "fingerprint": "abc"}
ORIGIN = Origin(role="base", name="student", what="owner/base", address="https://x.example")


@pytest.mark.parametrize(
    ("kind", "makes", "base", "told", "relation"),
    [
        ("merge", "model", None, "", ("owner/base", "finetune", "transformers")),
        ("train", "model", MERGED, "", ("owner/base", "finetune", "transformers")),
        ("train", "adapter", BASE, "", ("owner/base", "adapter", "peft")),
        ("train", "adapter", MERGED, "", (None, None, "peft")),
        ("train", "adapter", MERGED, "me/sft@v1", ("me/sft", "adapter", "peft")),
    ],
)
def test_a_base_model_is_named_only_where_the_weights_stand_on_it(
    kind: str, makes: str, base: JsonValue, told: str, relation: tuple[str | None, str | None, str]
) -> None:
    subject = by_hand(kind, makes, {**NUMBERS, "base": base})
    verdict = LicenceVerdict(spdx="MIT", reasons=(), origins=(ORIGIN,))
    found: Any = metadata(replace(subject, verdict=verdict, told=Told(base=told)))
    assert (found.base_model, found.base_model_relation, found.library_name) == relation
