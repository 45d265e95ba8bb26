"""What was measured is found again, and nothing else is."""

import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from openbezoar.evaluations.measured import Measured, find, keep, print_of
from openbezoar.records import Score

KEY: dict[str, JsonValue] = {"model": {"a.safetensors": "1"}, "task": "rte", "limit": None}
SCORE = Score(name="rte.acc", value=0.1 + 0.2, n=3, flags=("zero",), settings={"shots": 0})


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    made = Measured(
        key=KEY, scores=(SCORE,), items=({"answers": [[-0.1 - 0.2, False]]},), transcripts=({},)
    )
    keep(tmp_path, made)
    return made


def test_all_of_it_comes_back_to_the_last_bit(tmp_path: Path, measured: Measured) -> None:
    assert find(tmp_path, KEY) == measured
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


@pytest.mark.parametrize(
    "change", [{"model": {"a.safetensors": "2"}}, {"task": "wic"}, {"limit": 1}, {"more": 1}]
)
@pytest.mark.usefixtures("measured")
def test_another_model_task_or_setting_finds_nothing(
    tmp_path: Path, change: dict[str, JsonValue]
) -> None:
    assert find(tmp_path, {**KEY, **change}) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"key": 1}'])
@pytest.mark.usefixtures("measured")
def test_a_file_that_is_damaged_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    [place] = tmp_path.iterdir()
    place.write_bytes(content)
    assert find(tmp_path, KEY) is None


@pytest.mark.usefixtures("measured")
def test_a_file_that_holds_another_key_than_its_name_says_is_not_taken(tmp_path: Path) -> None:
    [place] = tmp_path.iterdir()
    place.write_text(place.read_text().replace("rte", "wic"), encoding="utf-8")
    assert find(tmp_path, KEY) is None


def test_a_changed_weight_or_template_is_another_model(tmp_path: Path) -> None:
    """A weight in the middle counts as much as one at the ends (trap P32)."""
    weights, template = tmp_path / "model.safetensors", tmp_path / "chat_template.jinja"
    weights.write_bytes(bytes(3 << 20))
    template.write_text("a", encoding="utf-8")
    prints = [print_of(tmp_path)]
    content = bytearray(weights.read_bytes())
    content[3 << 19] = 1
    weights.write_bytes(content)
    os.utime(weights, (1, 1))  # a clock may not tick between two writes
    prints.append(print_of(tmp_path))
    template.write_text("another", encoding="utf-8")
    prints.append(print_of(tmp_path))
    assert prints[0] != prints[1] != prints[2] != prints[0]
