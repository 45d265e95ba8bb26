"""The mix stage joins rows, counts them, and puts no prompt on both sides."""

import json
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import ConfigError, DataError
from openbezoar.records import Example, Preference
from tests.stages.conftest import Run, content

TEXT = """\
name: small
stages:
  one: {kind: source, source: {kind: jsonl, path: ONE, rows_of: examples}}
  two: {kind: source, source: {kind: jsonl, path: TWO, rows_of: examples}}
  data: {kind: mix, rows: [one, two], validation: 0.25}
  pairs: {kind: source, source: {kind: sample, rows: preferences}}
  pairs_data: {kind: mix, rows: [pairs], validation: 0.25}
"""


def line(name: str, place: int, prompts: int) -> dict[str, Any]:
    asked = {"role": "user", "content": f"Question {place % prompts}"}
    said = {"role": "assistant", "content": f"{name} {place}"}
    return {"id": f"{name}-{place}", "messages": [asked, said]}


def recipe(folder: Path, counts: tuple[int, int] = (20, 12), prompts: int = 8) -> str:
    text = TEXT
    for name, count in zip(("one", "two"), counts, strict=True):
        lines = [json.dumps(line(name, place, prompts)) for place in range(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        text = text.replace(name.upper(), str(folder / f"{name}.jsonl"))
    return text


def test_no_prompt_is_on_both_sides_and_every_row_is_on_one(run: Run, tmp_path: Path) -> None:
    data = run(recipe(tmp_path))["data"]
    train, valid = list(data.rows(Example, "train.jsonl")), list(data.rows(Example, "valid.jsonl"))
    assert {row.instruction for row in train} & {row.instruction for row in valid} == set()
    assert len({row.instruction for row in valid}) == 2, "a quarter of 8 prompts"
    expected = {f"one-{place}" for place in range(20)} | {f"two-{place}" for place in range(12)}
    assert {row.id for row in train + valid} == expected
    assert len(train) + len(valid) == 32


def test_rows_are_counted_by_origin(run: Run, tmp_path: Path) -> None:
    numbers = run(recipe(tmp_path))["data"].numbers
    by_origin: Any = numbers["by_origin"]
    assert by_origin["one.train"] + by_origin["one.valid"] == 20
    assert by_origin["two.train"] + by_origin["two.valid"] == 12
    assert by_origin["one.train"] + by_origin["two.train"] == numbers["train"]


def test_a_limit_takes_as_many_of_each(run: Run, tmp_path: Path) -> None:
    numbers = run(recipe(tmp_path), "stages.data.limit=5")["data"].numbers
    by_origin: Any = numbers["by_origin"]
    assert sum(by_origin.values()) == 10
    assert sum(count for name, count in by_origin.items() if name.startswith("one")) == 5


def test_the_order_is_by_chance_and_repeats(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path)
    one, again = run(text, store="a")["data"], run(text, store="b")["data"]
    other = run(text, "seed=1", store="c")["data"]
    assert content(one) == content(again)
    assert content(one) != content(other)
    ids = [row.id for row in one.rows(Example, "train.jsonl")]
    assert ids != sorted(ids)


def test_pairs_of_one_prompt_stay_together(run: Run, tmp_path: Path) -> None:
    data = run(recipe(tmp_path))["pairs_data"]
    train = {row.prompt for row in data.rows(Preference, "train.jsonl")}
    valid = {row.prompt for row in data.rows(Preference, "valid.jsonl")}
    assert train
    assert valid
    assert train & valid == set()


def test_no_conversation_is_on_both_sides_when_split_by_its_opening(
    run: Run, tmp_path: Path
) -> None:
    """Each of 12 openings begins three prompts, of one, two and three questions."""
    lines = [
        {"id": f"{first}-{depth}", "chosen": "Yes.", "rejected": "No.", "prompt": [
            {"role": role, "content": f"{role} {first} {turn}"}
            for turn in range(depth) for role in ("user", "assistant")][:-1]}
        for first in range(12) for depth in (1, 2, 3)
    ]  # fmt: skip
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    text = (
        "name: small\nstages:\n"
        f"  pairs: {{kind: source, source: {{kind: jsonl, path: {path}, rows_of: preferences}}}}\n"
        "  data: {kind: mix, rows: [pairs], validation: 0.25}\n"
    )

    def openings(override: str) -> list[set[str]]:
        data = run(text, override, store=override)["data"]
        files = ("train.jsonl", "valid.jsonl")
        return [{row.prompt[0].content for row in data.rows(Preference, file)} for file in files]

    train, valid = openings("stages.data.split_by=opening")
    assert (train & valid, len(valid)) == (set(), 3)
    train, valid = openings("stages.data.split_by=prompt")
    assert train & valid, "told apart by whole prompts, conversations are torn"


def test_validation_may_be_left_out(run: Run, tmp_path: Path) -> None:
    numbers = run(recipe(tmp_path), "stages.data.validation=0")["data"].numbers
    assert (numbers["train"], numbers["valid"]) == (32, 0)


def test_a_mix_with_nothing_to_train_on_fails_by_name(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stage data: no row is left to train on"):
        run(recipe(tmp_path, prompts=1))


def test_examples_and_preferences_do_not_mix(run: Run, tmp_path: Path) -> None:
    text = recipe(tmp_path).replace("rows: [pairs]", "rows: [one, pairs]")
    with pytest.raises(ConfigError, match="reads 'pairs', which holds preferences"):
        run(text)


def shared(folder: Path) -> str:
    """Both files call their rows 0, 1 and 2, and the row 2 is the same in both."""
    text = recipe(folder, (3, 3), prompts=3)
    for name in ("one", "two"):
        path = folder / f"{name}.jsonl"
        lines = [json.loads(written) for written in path.read_text(encoding="utf-8").splitlines()]
        rows = [row | {"id": str(place)} for place, row in enumerate(lines)]
        rows[2] = line("both", 2, 3) | {"id": "2"}
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return text


def test_no_id_is_written_twice_and_no_row_is_lost(run: Run, tmp_path: Path) -> None:
    data = run(shared(tmp_path))["data"]
    rows = [row for file in ("train", "valid") for row in data.rows(Example, f"{file}.jsonl")]
    said = {row.id: row.answer for row in rows}
    assert len(rows) == 5
    assert said == {
        "one/0": "one 0", "one/1": "one 1", "two/0": "two 0", "two/1": "two 1", "2": "both 2",
    }  # fmt: skip
    assert (data.numbers["renamed"], data.numbers["taken_once"]) == (4, 1)


def test_an_id_does_not_depend_on_which_rows_a_limit_takes(run: Run, tmp_path: Path) -> None:
    data = run(shared(tmp_path), "stages.data.limit=1", "stages.data.validation=0")["data"]
    ids = {row.id for row in data.rows(Example, "train.jsonl")}
    assert ids <= {"one/0", "one/1", "two/0", "two/1", "2"}


def test_the_same_row_kept_by_two_filters_is_taken_once(run: Run, tmp_path: Path) -> None:
    both = "  data: {kind: mix, rows: [one, two, kept], validation: 0.25}"
    text = recipe(tmp_path).replace(
        "  data: {kind: mix, rows: [one, two], validation: 0.25}",
        "  kept: {kind: filter, rows: one, filters: [{kind: length}, {kind: refusals}]}\n" + both,
    )
    data = run(text)["data"]
    rows = [row for file in ("train", "valid") for row in data.rows(Example, f"{file}.jsonl")]
    assert len({row.id for row in rows}) == len(rows) == 32
    assert data.numbers["taken_once"] == 20


def test_an_id_that_is_like_a_stages_name_for_another_is_refused(run: Run, tmp_path: Path) -> None:
    text = shared(tmp_path)
    with (tmp_path / "two.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(line("two", 3, 3) | {"id": "one/0"}))
    with pytest.raises(DataError, match="stage data: two rows would have the id 'one/0'"):
        run(text)


def test_a_mix_in_which_no_id_is_shared_says_nothing_of_ids(run: Run, tmp_path: Path) -> None:
    assert run(recipe(tmp_path))["data"].numbers.keys().isdisjoint({"renamed", "taken_once"})
