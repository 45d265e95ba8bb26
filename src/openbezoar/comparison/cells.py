"""What evaluations recorded of single rows, as numbers that two models can be compared by."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from openbezoar.evaluations.matches import POINTS

__all__ = ["Cell", "cells_of"]

Item = Mapping[str, Any]


class Cell(NamedTuple):
    """What one item counts for one metric."""

    row: str
    """The row of the bootstrap it belongs to: the two turns of a question are one row."""
    total: float
    weight: float = 1.0
    """How much it holds: an answer's tokens, where the metric is a mean over tokens."""


def cells_of(items: Iterable[Item], model: str) -> dict[str, dict[str, list[Cell]]]:
    """By metric and item; more than one cell where a stage measured the same item twice."""
    found: dict[str, dict[str, list[Cell]]] = {}
    for item in items:
        read = _READERS.get(str(item.get("evaluation")))
        for metric, cell in read(item, model) if read else ():
            found.setdefault(metric, {}).setdefault(str(item["id"]), []).append(cell)
    return found


def _harness(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    for metric, value in item["metrics"].items():
        if isinstance(value, int | float):
            parts = [item["task"], metric]
            parts += [item["filter"]] if item["filter"] != "none" else []
            parts += ["chat"] if item["chat_template"] else []
            yield ".".join(parts), Cell(str(item["id"]), float(value))


def _perplexity(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    if "loss" in item:
        tokens = float(item["tokens"])
        yield f"loss.{item['data']}", Cell(str(item["id"]), item["loss"] * tokens, tokens)


def _preferences(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    if "chosen" not in item:
        return
    name, row = f"preferences.{item['data']}", str(item["id"])
    chosen, rejected = item["chosen"], item["rejected"]
    yield f"{name}.sum", Cell(row, float(chosen > rejected))
    each = chosen / item["chosen_tokens"], rejected / item["rejected_tokens"]
    yield f"{name}.per_token", Cell(row, float(each[0] > each[1]))
    for reward in ("reward", "reward_per_token"):
        if f"{reward}_margin" in item:
            yield f"{name}.{reward}", Cell(row, float(item[f"{reward}_margin"] > 0))
    if "reward_margin" in item:
        yield f"{name}.reward_margin", Cell(row, float(item["reward_margin"]))


def _refusals(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    if "refusal" in item and item["model"] == model:
        row = str(item["id"])
        yield "refusals", Cell(row, float(bool(item["refusal"])))
        yield "refusals.stopped", Cell(row, float(item["finish_reason"] == "stop"))


def _ledger(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    row = str(item["id"])
    if "loss" in item:
        tokens = float(item["tokens"])
        yield f"ledger.loss.{item['data']}", Cell(row, item["loss"] * tokens, tokens)
    elif "stopped" in item:
        yield "ledger.stopped", Cell(row, float(item["stopped"]))
        yield "ledger.refusals", Cell(row, float(bool(item["refusal"])))
        if item["repetition"] is not None:
            yield "ledger.repetition", Cell(row, item["repetition"])


def _mt_bench(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    if item["rating"] is not None:
        yield "mt_bench", Cell(_question(item), float(item["rating"]))


def _mt_bench_pairs(item: Item, model: str) -> Iterator[tuple[str, Cell]]:
    if item["outcome"] is not None and item["model"] == model:
        metric = f"mt_bench_pairs.{item['against']}"
        yield metric, Cell(_question(item), POINTS[item["outcome"]])


def _question(item: Item) -> str:
    """The id without the turn at its end."""
    return str(item["id"]).rpartition(".")[0]


_READERS: dict[str, Callable[[Item, str], Iterator[tuple[str, Cell]]]] = {
    "harness": _harness,
    "ledger": _ledger,
    "mt_bench": _mt_bench,
    "mt_bench_pairs": _mt_bench_pairs,
    "perplexity": _perplexity,
    "preferences": _preferences,
    "refusals": _refusals,
}
