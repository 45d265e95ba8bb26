"""The generate stage asks for every seed, counts what failed, and does not depend on order."""

import json
import sys
from pathlib import Path

import pytest

from openbezoar import runner
from openbezoar.errors import DataError, MissingExtra, ModelError
from openbezoar.jsonl import read
from openbezoar.recipe import load
from openbezoar.records import Example, Failure
from openbezoar.stages.asked import Asked
from openbezoar.store import Store
from tests.stages.conftest import Run, content

HEAD = """\
name: small
models:
  teacher:
    kind: scripted
    lines:
      - {match: "Fail", reply: ""}
      - {match: "Cut", reply: "half an ans", finish_reason: length}
      - {match: "(Question \\\\d+)", reply: "The answer to \\\\1."}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: SEEDS}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond, system: ""}}
"""


def recipe(folder: Path, questions: list[str]) -> str:
    seeds = folder / "seeds.jsonl"
    lines = [{"id": str(place), "instruction": asked} for place, asked in enumerate(questions)]
    seeds.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return HEAD.replace("SEEDS", str(seeds))


def test_every_seed_becomes_a_row_or_a_failure(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path, ["Question 1", "Fail", "Cut", "Question 4"]))["rows"]
    rows = list(made.rows(Example))
    failures = list(read(made.folder / "failed.jsonl", Failure))
    assert [row.answer for row in rows] == [
        "The answer to Question 1.",
        "The answer to Question 4.",
    ]
    assert [failure.parents for failure in failures] == [("1",), ("2",)]
    assert made.numbers["seeds"] == len(rows) + len(failures)
    assert sum(dict(made.numbers["failed"]).values()) == 2  # type: ignore[arg-type]


def test_one_at_a_time_gives_the_bytes_of_many(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path, [f"Question {place}" for place in range(40)] + ["Fail", "Cut"])
    many = run(text, "stages.rows.runtime.concurrency=16", store="many")["rows"]
    one = run(text, "stages.rows.runtime.concurrency=1", store="one")["rows"]
    assert content(one) == content(many)
    assert one.manifest.model_dump(exclude={"run"}) == many.manifest.model_dump(exclude={"run"})


def test_a_limit_takes_the_first_seeds(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path, [f"Question {place}" for place in range(9)])
    made = run(text, "stages.rows.limit=3")["rows"]
    assert [row.parents for row in made.rows(Example)] == [("0",), ("1",), ("2",)]


def test_a_stage_that_makes_nothing_fails_by_name(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stage rows: no row came out of 2 seeds"):
        run(recipe(tmp_path, ["Fail", "Fail 2"]))


def test_a_failing_teacher_stops_the_stage(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path, [f"Fail {place}" for place in range(200)])
    with pytest.raises(ModelError, match="64 of the last 64 rows failed"):
        run(text)


def test_a_model_that_is_gone_stops_the_stage(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no line matches 'Riddle'"):
        run(recipe(tmp_path, ["Question 1", "Riddle"]))


def test_every_exchange_is_kept_beside_the_rows_it_made(run: Run, tmp_path: Path) -> None:
    made = run(recipe(tmp_path, ["Question 1", "Fail", "Question 3"]))["rows"]
    first, failed, _ = read(made.folder / "asked.jsonl", Asked)
    assert first.rows == ("respond-0",)
    (exchange,) = first.exchanges
    assert exchange.request.messages[-1].content == "Question 1"
    assert exchange.answer is not None
    assert exchange.answer.text == "The answer to Question 1."
    assert failed.rows == ("1",)
    assert failed.exchanges[0].answer is not None


def test_the_numbers_lead_from_the_draws_to_the_rows(run: Run, tmp_path: Path) -> None:
    numbers = run(recipe(tmp_path, ["Question 1", "Fail", "Cut", "Question 4"]))["rows"].numbers
    assert (numbers["scheme"], numbers["draws"], numbers["requests"]) == ("respond", 4, 4)
    assert (numbers["parsed"], numbers["rows"], numbers["eliminated"]) == (2, 2, {})
    assert numbers["failed"] == {"empty answer": 1, "cut by the token limit": 1}


EVOL = """\
name: small
models:
  teacher:
    kind: scripted
    lines: [{match: "Given Prompt", reply: "Name it."}, {reply: "An apple."}]
stages:
  seeds: {kind: source, source: {kind: jsonl, path: SEEDS}}
  rows:
    kind: generate
    seeds: seeds
    teacher: teacher
    scheme: {kind: evol_instruct, equality_rule: overlap}
"""


def test_lineages_that_end_without_a_row_stop_the_stage(run: Run, tmp_path: Path) -> None:
    recipe(tmp_path, ["Name it!"] * 200)
    with pytest.raises(ModelError, match=r"64 of the last 64 rows failed.*no information gain"):
        run(EVOL.replace("SEEDS", str(tmp_path / "seeds.jsonl")))


def test_what_a_rule_eliminates_was_parsed(run: Run, tmp_path: Path) -> None:
    recipe(tmp_path, ["Name it!", "Say what this is about."])
    numbers = run(EVOL.replace("SEEDS", str(tmp_path / "seeds.jsonl")))["rows"].numbers
    assert (numbers["draws"], numbers["parsed"], numbers["rows"]) == (2, 2, 1)
    assert numbers["eliminated"] == {"no information gain": 1}


def test_progress_counts_draws_whether_they_fail_or_not(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe(tmp_path, ["Question 1", "Fail"]), encoding="utf-8")
    store = Store(tmp_path / "store")
    runner.run(load(path, ()), store, lambda stage, text: told.append(f"{stage}: {text}"))
    assert "rows: 2/2, 1 row, 1 failed" in [line.split(", 0 tokens")[0] for line in told]


def test_a_cluster_without_ray_is_refused_before_any_stage(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"openbezoar\[ray\]"):
        run(recipe(tmp_path, ["Question 1"]), "stages.rows.runtime.engine=ray")
    assert Store(tmp_path / "store").artifacts() == []
