"""A store with rows, data sets, an adapter and a merged model, all of them small enough to send."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from openbezoar import runner
from openbezoar.recipe import load
from openbezoar.store import Artifact, Manifest, Store, fingerprint

__all__ = ["SECRETS", "shelve"]

SECRETS = {
    "mail": "Write to jane.roe@mailhouse.org about it.",
    "key": f"Use sk-{'Ab3' * 12} for that.",
}
RECIPE = """\
name: shelf
models:
  teacher: {kind: scripted, licence: CC0-1.0, lines: [{reply: "Light is scattered by air."}]}
  judge: {kind: scripted, licence: CC0-1.0, lines: [{reply: '{"status": "Accept", "rating": 8}'}]}
stages:
  tasks: {kind: source, source: {kind: sample, rows: flan, limit: 8}}
  orca: {kind: generate, seeds: tasks, teacher: teacher, scheme: {kind: orca, total: 6}}
  kept:
    kind: filter
    rows: orca
    filters: [{kind: judged, probes: 0, judge: {kind: acceptance, model: judge}}]
  data: {kind: mix, rows: [kept], validation: 0.34}
  pairs: {kind: source, source: {kind: sample, rows: preferences, limit: 4}}
  secrets:
    kind: source
    source: {kind: jsonl, path: secrets.jsonl, rows: examples, licences: [CC0-1.0]}
  strangers: {kind: source, source: {kind: jsonl, path: strangers.jsonl, rows: examples}}
"""
TOKENIZER = {
    "tokenizer.json": '{"model": {"vocab": {"jane.roe@mailhouse.org": 1}}}',
    "tokenizer_config.json": '{"eos_token": "</s>"}',
    "chat_template.jinja": "{{ messages }}",
}
MODEL = {
    "config.json": '{"model_type": "llama"}',
    "generation_config.json": '{"eos_token_id": 2}',
    "model-00001-of-00002.safetensors": "the first weights",
    "model-00002-of-00002.safetensors": "the other weights",
    "model.safetensors.index.json": '{"weight_map": {}}',
    **TOKENIZER,
}
ADAPTER = {
    "adapter_config.json": '{"base_model_name_or_path": null, "r": 16}',
    "adapter_model.safetensors": "the steps from one to the other",
    **TOKENIZER,
}
COURSE: dict[str, JsonValue] = {
    "rows": 4, "steps": 1, "tokens": 90, "first_loss": 2.0, "last_loss": 1.0,
    "base": {"checkpoint": "student"},
}  # fmt: skip
NUMBERS: dict[str, dict[str, JsonValue]] = {
    "seeds": {"read": 0, "rows": 0, "rejected": {}},
    "examples": {"seeds": 6, "rows": 6, "failed": {}},
    "adapter": COURSE,
    "model": {"parameters": 33},
    "scores": {},
}
STUDENT = [{"kind": "transformers", "checkpoint": "smollm2-135m-instruct"}, {"bytes": 1}]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store in which everything is made; it is copied, never changed."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    told = [
        {"id": name, "instruction": "Say it.", "answer": text} for name, text in SECRETS.items()
    ]
    write_lines(folder / "secrets.jsonl", *told)
    write_lines(folder / "strangers.jsonl", {"instruction": "Who?", "answer": "Nobody knows."})
    store = Store(folder / "store")
    runner.run(load(folder / "recipe.yaml", ()), store, lambda stage, told: None)
    (data,) = [one for one in store.artifacts() if one.manifest.stage == "data"]
    settings = {"kind": "train", "start": "student", "data": "data"}
    adapter = shelve(
        store,
        {"stage": "adapter", "settings": settings, "models": {"student": STUDENT}},
        "adapter",
        {f"adapter/{name}": text for name, text in ADAPTER.items()},
        data,
    )
    shelve(
        store,
        {"stage": "model", "settings": {"kind": "merge", "adapter": "adapter"}, "models": {}},
        "model",
        {f"model/{name}": text for name, text in MODEL.items()},
        adapter,
    )
    return folder / "store"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of the store of its own."""
    return Store(Path(shutil.copytree(made, tmp_path / "store")))


def shelve(
    store: Store, science: dict[str, Any], makes: str, held: dict[str, str], *inputs: Artifact
) -> Artifact:
    """Put an artifact of these files into the store, as a stage would."""
    used = {one.manifest.stage: one.manifest.fingerprint for one in inputs}
    print_ = fingerprint(science, used)
    folder = store.begin(science["stage"], print_)
    for name, text in held.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    manifest = Manifest(
        stage=science["stage"],
        kind=science["settings"]["kind"],
        makes=makes,
        fingerprint=print_,
        science=science,
        inputs=used,
        numbers=NUMBERS[makes],
        files={},
        run={"finished": "2026-01-01T00:00:00+00:00"},
    )
    return store.commit(folder, manifest)


def write_lines(path: Path, *lines: dict[str, str]) -> None:
    """A JSON Lines file of these objects."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
