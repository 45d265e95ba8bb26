"""Both sides get the same tokens, in the same order, on the same first weights."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.training_peers import engine
from benchmarks.training_peers.jobs import Job
from openbezoar.training.adapters import Lora, adapter_tensors, attach_adapter, load_model
from openbezoar.training.format import Encoded

PAIR = (
    Encoded([5, 6, 7, 8], [False, False, True, True]),
    Encoded([5, 6, 9], [False, False, True]),
)


def job(**settings: Any) -> Job:
    return Job("dpo", "", "", "cpu", "float32", 64, 2, 1e-3, (4,), settings)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    engine.write_rows(tmp_path / "rows.jsonl", [PAIR, PAIR])
    assert engine.read_rows(tmp_path / "rows.jsonl") == [PAIR, PAIR]


def test_the_order_has_every_row_once() -> None:
    rows = [(Encoded([place, 1], [False, True]),) * 2 for place in range(4)]
    ordered = engine.in_order(rows, job())
    assert sorted(row[0].ids for row in ordered) == [row[0].ids for row in rows]


def test_a_pair_s_prompt_ends_where_its_answers_begin() -> None:
    assert [engine.prompt_length(one) for one in PAIR] == [2, 2]


@pytest.mark.slow
def test_settled_adapters_are_the_same_whatever_drew_them(tiny_checkpoint: Path) -> None:
    lora = Lora(r=4, targets=("q_proj",))
    models = [attach_adapter(load_model(tiny_checkpoint), lora, seed=seed) for seed in (1, 2)]
    for model in models:
        engine.settle(model)
    first, second = (adapter_tensors(model) for model in models)
    assert all(bool((first[name] == second[name]).all()) for name in first)
    assert any(bool(tensor.any()) for tensor in first.values())
