"""A probe makes a few rows the way a run does, and a run finds its answers."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.estimates.forecast import forecast
from openbezoar.estimates.probes import probe_store, seen_in_probes
from openbezoar.plan import plan
from openbezoar.recipe import Recipe, load
from openbezoar.records import Example
from openbezoar.store import Store
from tests.models.conftest import Served, chat, serving

SEEDS = 40
TEXT = """\
name: small
models:
  teacher:
    kind: openai
    model: m
    runtime: {base_url: ADDRESS, api_key_env: TEST_KEY, max_retries: 1}
prices: {m: {input: 1, output: 1}}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: seeds.jsonl}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}}
  kept: {kind: filter, rows: rows, filters: [{kind: length, answer: {least_words: 2}}]}
  data: {kind: mix, rows: [kept]}
"""


def silent(stage: str, text: str) -> None:
    """Nobody listens."""


def recipe(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setenv("TEST_KEY", "canary-key")
    monkeypatch.chdir(folder)
    seeds = (json.dumps({"id": f"s{n:02}", "instruction": f"Question {n}"}) for n in range(SEEDS))
    (folder / "seeds.jsonl").write_text("\n".join(seeds), encoding="utf-8")
    (folder / "recipe.yaml").write_text(TEXT.replace("ADDRESS", address), encoding="utf-8")
    return load(folder / "recipe.yaml")


def answering() -> AbstractContextManager[Served]:
    return serving(lambda body: chat(f"An answer to {body['messages'][-1]['content']}"))


def test_a_run_asks_only_for_what_the_probe_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    with answering() as served:
        given = recipe(tmp_path, served.url, monkeypatch)
        assert runner.probe(given, store, 8, silent) == {}
        assert len(served.bodies) == 8
        assert store.artifacts() == [], "no row of a probe is a row of the run"
        made = runner.run(given, store, silent)
        assert len(served.bodies) == SEEDS
        assert runner.probe(given, store, 8, silent) == {}, "made already"
    assert made[1].numbers["rows"] == SEEDS


def test_a_probe_is_spread_over_all_there_is_and_becomes_the_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    with answering() as served:
        given = recipe(tmp_path, served.url, monkeypatch)
        runner.probe(given, store, 4, silent)
    steps = plan(given, store)
    probed = probe_store(store, 4).find("rows", steps[1].fingerprint)
    assert probed is not None
    parents = [row.parents[0] for row in probed.rows(Example)]
    assert parents == ["s00", "s10", "s20", "s30"]
    found = forecast(given, steps, store, seen_in_probes(store, steps))
    assert [one.basis for one in found] == ["probe", "probe", "probe", "settings"]
    rows = found[1]
    assert rows.requests is not None
    assert rows.tokens_out is not None
    assert rows.usd is not None
    assert rows.requests.likely == SEEDS
    assert rows.tokens_in is not None
    every = (rows.tokens_in.likely + rows.tokens_out.likely) / 1e6
    assert rows.usd.likely == pytest.approx(every * 36 / 40), "kept answers are free"


def test_a_server_that_is_down_is_named_and_asked_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = recipe(tmp_path, "http://127.0.0.1:9/v1", monkeypatch)
    store = Store(tmp_path / "store")
    failed = runner.probe(given, store, 4, silent)
    assert list(failed) == ["rows", "kept"]
    assert "127.0.0.1:9" in failed["rows"]
    assert "\n" not in failed["rows"]
    assert failed["kept"] == "rows failed before"
    steps = plan(given, store)
    found = forecast(given, steps, store, seen_in_probes(store, steps))
    assert found[1].basis == "settings"
