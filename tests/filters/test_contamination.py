"""Rows that hold items of the recipe's benchmarks are dropped, each with what explains it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.errors import ConfigError, DataError
from openbezoar.evaluations.harness import Harness
from openbezoar.evaluations.mt_bench import MtBench
from openbezoar.evaluations.perplexity import Perplexity
from openbezoar.families import Numbers
from openbezoar.filters.contamination import Contamination
from openbezoar.records import Message, Preference, Seed, Verdict
from tests.filters.conftest import example

Decide = Callable[..., tuple[list[Verdict], Numbers]]

ITEM = "What happens to a muscle when it does work?"
"""An item of our own multiple-choice rows, the third."""
PART = Contamination(benchmarks=(Harness(data="sample"),))
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of nothing."""
CLEAN = example("What is 2 + 3?", "What happens is that the sum is 5.")


@pytest.mark.parametrize(
    "row",
    [
        example(ITEM, "It gets shorter."),
        example("Say something.", f"Gladly. {ITEM.upper()} That is the question."),
        Seed(id="row", instruction="Answer.", context=ITEM),
        Seed(id="row", instruction="Ask.", target=ITEM),
        Preference(
            id="row", prompt=(Message(role="user", content="Ask."),), chosen="No.", rejected=ITEM
        ),
    ],
    ids=["instruction", "answer", "context", "target", "rejected answer"],
)
def test_an_item_is_found_in_every_part_of_a_row(decide: Decide, row: Any) -> None:
    (verdict,), _ = decide(PART, [row])
    assert (verdict.keep, verdict.reason) == (False, "contaminated")


def test_a_verdict_says_what_was_found_where_and_how_surely(decide: Decide) -> None:
    edited = ITEM.replace("does", "is at")
    (verdict,), _ = decide(PART, [example(f"Tell me: {edited} Be short.", "It contracts.")])
    assert verdict.details["task"] == "sample_choices"
    assert verdict.details["item"] == "sample_choices.2"
    assert verdict.details["span"] == "what happens to a muscle when it is at work"
    score = verdict.details["score"]
    assert isinstance(score, float)
    assert 0.85 <= score < 1


def test_rows_that_share_no_more_than_a_turn_of_phrase_are_kept(decide: Decide) -> None:
    rows = [CLEAN, example("What happens to a ball when it does bounce?", "It comes back.")]
    verdicts, numbers = decide(PART, rows)
    assert [verdict.keep for verdict in verdicts] == [True, True]
    assert numbers["contamination"]["rows"] == 0  # type: ignore[index, call-overload]


@pytest.mark.parametrize("together", [1, 2, 3])
def test_rows_looked_at_together_get_the_verdicts_they_would_get_alone(
    together: int, decide: Decide
) -> None:
    texts = ["", ITEM, "Yes.", f"{ITEM} {ITEM}", f"Ask: {ITEM.replace('does', 'is at')}"]
    rows = [example(text, text, f"{place}") for place, text in enumerate(texts)]
    assert decide(PART, rows, together=together) == decide(PART, rows)
    assert [verdict.keep for verdict in decide(PART, rows)[0]] == [True, False, True, False, False]


def test_hits_are_counted_by_benchmark_and_the_first_are_shown(decide: Decide) -> None:
    mt_bench = MtBench(judge="judge")
    turn = next(mt_bench.items()).texts[1]
    part = Contamination(benchmarks=(Harness(data="sample"), mt_bench))
    rows = [example(ITEM, "Yes.", "a"), CLEAN, example(ITEM, turn, "b")]
    _, numbers = decide(part, rows)
    told: Any = numbers["contamination"]
    assert (told["flagged"], told["rows"]) == ("drop", 2)
    assert told["tasks"]["sample_choices"] == {
        "items": 60, "unsearchable": 0, "found": 1, "rows": 2,
    }  # fmt: skip
    assert told["tasks"]["sample_questions"]["rows"] == 1
    assert [hit["row"] for hit in told["hits"]] == ["a", "b"]


def test_a_flagged_row_that_is_kept_is_marked_and_counted(decide: Decide) -> None:
    part = PART.model_copy(update={"flagged": "keep"})
    (found, clean), numbers = decide(part, [example(ITEM, "Yes."), CLEAN])
    assert found.keep
    assert found.reason == "contaminated, kept on request"
    assert found.details["task"] == "sample_choices"
    assert clean == part.keep()
    told: Any = numbers["contamination"]
    assert (told["flagged"], told["rows"]) == ("keep", 1)
    assert part.warnings() != []
    assert PART.warnings() == []


def test_files_of_items_are_looked_for_too(decide: Decide, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = [
        {"question": "Which lamp burns longest on a single spoon of oil?", "ours": 1},
        {"id": 7, "question": ["A lamp", "burns"], "answer": "bright in the night", "choices": []},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    row = example("Complete: a lamp burns", "bright in the night")
    (verdict,), _ = decide(Contamination(files=(str(path),)), [row])
    assert (verdict.details["task"], verdict.details["item"]) == (str(path), "7")


def test_a_file_of_items_is_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("", encoding="utf-8")
    settings, context = {"files": ["mine.jsonl"]}, {"folder": tmp_path}
    here = Contamination.model_validate(settings).heeds([])
    beside = Contamination.model_validate(settings, context=context).heeds([])
    assert (here["mine.jsonl"], beside["mine.jsonl"]) == ("absent", EMPTY)


def test_a_file_of_items_that_is_none_says_where_it_goes_wrong(
    decide: Decide, tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"question": 5}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.jsonl:1: field question"):
        decide(Contamination(files=(str(path),)), [CLEAN])


def test_without_a_list_the_recipe_s_benchmarks_are_heeded(tmp_path: Path) -> None:
    part, asked = Contamination(), Harness(data="sample")
    (path := tmp_path / "mine.jsonl").write_text("", encoding="utf-8")
    assert part.heeds([Perplexity(data="rows"), asked]) == asked.benchmarks()
    assert PART.heeds([MtBench(judge="judge")]) == asked.benchmarks()
    assert set(Contamination(files=(str(path),)).heeds([])) == {str(path)}


def test_nothing_to_look_for_is_a_mistake_in_the_recipe() -> None:
    with pytest.raises(ConfigError, match="no evaluate stage of the recipe names a benchmark"):
        Contamination().heeds([Perplexity(data="rows")])


ITEMS = list(PART.items(()))
SEARCH = PART.index(())[1].search
HOSTILE = ["\x00", "\ud800", "\x1b[31m", " ", "which of the following " * 40_000, "\u202e\u200b"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_kept_when_clean_and_dropped_when_not(decide: Decide, text: str) -> None:
    rows = [example(f"{text}a", text), example(text, f"{text} {ITEM} {text}")]
    verdicts, _ = decide(PART, rows)
    assert [verdict.keep for verdict in verdicts] == [True, False]


@given(before=st.text(), after=st.text(), number=st.integers(0, 59))
def test_an_item_pasted_whole_into_any_text_is_found(before: str, after: str, number: int) -> None:
    item = ITEMS[number]
    asked = " ".join([*item.texts, *item.choices])
    (hits,) = SEARCH([f"{before} {asked} {item.answer} {after}"])
    assert item.id in {id for hit in hits for _, id in hit.sought.items}
