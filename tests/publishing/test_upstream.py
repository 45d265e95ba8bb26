"""The judge of rows and the base of an adapter are found behind them in the store."""

from typing import Any

import pytest

from openbezoar import shelf
from openbezoar.publishing.upstream import base_on_the_hub, judge_of, upstream
from openbezoar.store import Store
from tests.publishing.conftest import shelve


def test_everything_behind_a_model_is_met_once(store: Store) -> None:
    met = [one.manifest.stage for one in upstream(store, shelf.latest(store, "model"))]
    assert met == ["model", "adapter", "data", "kept", "orca", "tasks"]


@pytest.mark.parametrize(("stage", "judge"), [("data", "judge"), ("kept", "judge")])
def test_a_grade_is_named_after_the_judge_of_the_recipe(
    store: Store, stage: str, judge: str
) -> None:
    assert judge_of(store, shelf.latest(store, stage)) == judge


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (
            [{"checkpoint": "smollm2-135m-instruct"}, {"bytes": 1}],
            "HuggingFaceTB/SmolLM2-135M-Instruct",
        ),
        ([{"checkpoint": "owner/name"}, None], "owner/name"),
        ([{"checkpoint": "owner/name@v1"}, None], "owner/name@v1"),
        ([{"checkpoint": "models/mine"}, {"config.json": {"bytes": 1}}], None),
        ([{"checkpoint": "/home/jane/model"}, None], None),
    ],
)
def test_a_base_is_known_by_its_name_on_the_hub(store: Store, spec: Any, name: str | None) -> None:
    science = {"stage": "other", "settings": {"kind": "train"}, "models": {"student": spec}}
    adapter = shelve(store, science, "adapter", {"adapter/a": ""})
    assert base_on_the_hub(store, adapter) == name


def test_the_base_of_an_adapter_that_was_carried_on_is_that_of_the_first_one(store: Store) -> None:
    settings = {"kind": "train", "start": "adapter", "data": "data"}
    science = {"stage": "again", "settings": settings, "models": {}}
    made = shelve(store, science, "adapter", {}, shelf.latest(store, "adapter"))
    assert base_on_the_hub(store, made) == "HuggingFaceTB/SmolLM2-135M-Instruct"
