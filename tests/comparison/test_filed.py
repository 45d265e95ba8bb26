"""What FastChat's files of judgments hold of a model."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.comparison.comparing import NO_DIFFERENCE, compare
from openbezoar.comparison.filed import filed
from openbezoar.comparison.sides import side_of
from openbezoar.errors import DataError
from openbezoar.store import Store

PAIR: dict[str, Any] = {
    "model_1": "x", "model_2": "y", "judge": ["gpt-4", "pair-v2"], "turn": 1,
    "g1_winner": "model_1", "g2_winner": "model_1",
}  # fmt: skip


def pairs(folder: Path, *changes: dict[str, Any]) -> Path:
    path = folder / "gpt-4_pair.jsonl"
    lines = [json.dumps({"question_id": n, **PAIR, **one}) for n, one in enumerate(changes, 81)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_pair_is_won_where_both_orders_say_so_whichever_model_came_first(tmp_path: Path) -> None:
    """x wins, loses as the second model, ties where the orders differ, and one is an error."""
    path = pairs(
        tmp_path, {}, {"model_1": "y", "model_2": "x"}, {"g2_winner": "model_2"},
        {"g1_winner": "error"},
    )  # fmt: skip
    found = filed(path, "x")
    assert [item["outcome"] for item in found.items] == ["win", "loss", "tie", None]
    assert [item["outcome"] for item in filed(path, "y").items] == ["loss", "win", "tie", None]
    rate = found.scores[0]
    assert (rate.name, rate.value, rate.n, rate.missing) == ("mt_bench_pairs.y", 0.5, 3, 1)
    assert rate.settings == {"judge": "gpt-4", "prompts": "pair-v2"}


def test_of_a_pair_judged_twice_the_later_counts(tmp_path: Path) -> None:
    again = {"question_id": 81, "model_1": "y", "model_2": "x"}
    assert [item["outcome"] for item in filed(pairs(tmp_path, {}, again), "x").items] == ["loss"]


def test_two_models_of_a_file_are_compared_head_to_head_and_by_a_third(
    tmp_path: Path, store: Store
) -> None:
    third = [{"question_id": 81 + n, "model_1": one, "model_2": "z"} for n in range(30)
             for one in "xy"]  # fmt: skip
    path = pairs(tmp_path, *[{}] * 30, *third)
    found = compare(side_of(f"{path}:x", store), side_of(f"{path}:y", store))
    verdicts = {one.metric: one.verdict for one in found.comparisons}
    assert verdicts == {
        "mt_bench_pairs.z": NO_DIFFERENCE,
        "mt_bench_pairs.y, head to head": "A is better",
    }
    assert found.not_compared == {}


@pytest.mark.parametrize("model", ["", "z"])
def test_the_models_of_a_file_of_pairs_are_named(tmp_path: Path, model: str) -> None:
    with pytest.raises(DataError, match=r"name one of its models: .*jsonl:MODEL \(x, y\)"):
        filed(pairs(tmp_path, {}), model)


def test_an_empty_file_holds_no_model(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.touch()
    with pytest.raises(DataError, match="name one of its models"):
        filed(path, "")
