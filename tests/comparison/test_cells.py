"""What single rows count."""

from typing import Any

import pytest

from openbezoar.comparison.cells import Cell, cells_of
from tests.comparison.conftest import harness

PAIR: dict[str, Any] = {
    "evaluation": "preferences", "data": "pairs", "id": "p1",
    "chosen": -10.0, "chosen_tokens": 10, "rejected": -8.0, "rejected_tokens": 4,
}  # fmt: skip
GAME: dict[str, Any] = {
    "evaluation": "mt_bench_pairs", "id": "81.1", "model": "dpo", "against": "base",
    "outcome": "win",
}  # fmt: skip


DECLINED = {
    "evaluation": "refusals", "id": "i1", "model": "dpo", "refusal": "apology", "tokens": 9,
    "finish_reason": "length",
}  # fmt: skip
REPLY = {
    "evaluation": "ledger", "id": "q1", "stopped": True, "tokens": 9, "refusal": "apology",
    "repetition": 0.25,
}  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (harness([1.0])[0], {"piqa.acc": Cell("piqa.0", 1.0)}),
        (harness([1.0], chat_template=True)[0], {"piqa.acc.chat": Cell("piqa.0", 1.0)}),
        (harness([0.0], filter="strict")[0], {"piqa.acc.strict": Cell("piqa.0", 0.0)}),
        (harness([[1, 0]])[0], {}),  # type: ignore[list-item]
        (
            {"evaluation": "perplexity", "data": "d", "id": "r", "loss": 2.0, "tokens": 3},
            {"loss.d": Cell("r", 6.0, 3.0)},
        ),
        ({"evaluation": "perplexity", "data": "d", "id": "r", "missing": "too long"}, {}),
        (PAIR, {"preferences.pairs.sum": Cell("p1", 0.0),
                "preferences.pairs.per_token": Cell("p1", 1.0)}),
        ({**PAIR, "reward_margin": 0.5}, {"preferences.pairs.sum": Cell("p1", 0.0),
                                          "preferences.pairs.per_token": Cell("p1", 1.0),
                                          "preferences.pairs.reward": Cell("p1", 1.0),
                                          "preferences.pairs.reward_margin": Cell("p1", 0.5)}),
        ({**PAIR, "reward_per_token_margin": -0.1},
         {"preferences.pairs.sum": Cell("p1", 0.0), "preferences.pairs.per_token": Cell("p1", 1.0),
          "preferences.pairs.reward_per_token": Cell("p1", 0.0)}),
        ({"evaluation": "preferences", "data": "d", "id": "r", "missing": "too long"}, {}),
        (DECLINED, {"refusals": Cell("i1", 1.0), "refusals.stopped": Cell("i1", 0.0)}),
        ({**DECLINED, "model": "what was before"}, {}),
        ({"evaluation": "refusals", "id": "i1", "model": "dpo", "missing": "too long"}, {}),
        (
            {"evaluation": "ledger", "data": "d", "id": "r", "loss": 2.0, "tokens": 3},
            {"ledger.loss.d": Cell("r", 6.0, 3.0)},
        ),
        (REPLY, {"ledger.stopped": Cell("q1", 1.0), "ledger.refusals": Cell("q1", 1.0),
                 "ledger.repetition": Cell("q1", 0.25)}),
        ({**REPLY, "repetition": None}, {"ledger.stopped": Cell("q1", 1.0),
                                         "ledger.refusals": Cell("q1", 1.0)}),
        ({"evaluation": "ledger", "id": "q1", "missing": "no room for the answer"}, {}),
        ({"evaluation": "mt_bench", "id": "81.2", "rating": 7}, {"mt_bench": Cell("81", 7.0)}),
        ({"evaluation": "mt_bench", "id": "81.2", "rating": None}, {}),
        (GAME, {"mt_bench_pairs.base": Cell("81", 1.0)}),
        ({**GAME, "outcome": None}, {}),
        ({**GAME, "model": "sft"}, {}),
        ({"evaluation": "of another age", "id": "1"}, {}),
    ],
)  # fmt: skip
def test_an_item_counts_for_its_metrics(item: dict[str, Any], expected: dict[str, Cell]) -> None:
    found = cells_of([item], "dpo")
    assert {metric: cells[str(item["id"])][0] for metric, cells in found.items()} == expected


def test_an_item_measured_twice_has_two_cells() -> None:
    assert len(cells_of(harness([1.0]) * 2, "m")["piqa.acc"]["piqa.0"]) == 2
