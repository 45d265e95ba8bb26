"""The rows an evaluation measures on."""

from typing import TYPE_CHECKING

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations.held_out import held_out, spread
from openbezoar.records import Example, Preference

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk


def test_of_a_data_set_only_the_validation_rows_are_read(desk: "Desk", example: Example) -> None:
    artifact = desk.put("mixed", [example], "examples data set", "valid.jsonl")
    (artifact.folder / "train.jsonl").write_text("not read")
    assert held_out("mixed", artifact, None) == [example]


def test_of_another_stage_all_rows_are_read(desk: "Desk", preference: Preference) -> None:
    artifact = desk.put("pairs", [preference], "preferences")
    assert held_out("pairs", artifact, None) == [preference]


def test_a_limit_takes_rows_from_all_over_the_data() -> None:
    assert spread(range(10), 5) == [0, 2, 4, 6, 8]


def test_a_limit_beyond_the_data_takes_all_of_it() -> None:
    assert spread("abc", 9) == ["a", "b", "c"]


@pytest.mark.parametrize(("makes", "file"), [("seeds", "rows.jsonl"), ("model", "other.jsonl")])
def test_a_stage_without_answers_is_refused_by_name(
    desk: "Desk", example: Example, makes: str, file: str
) -> None:
    artifact = desk.put("wrong", [example], makes, file)
    with pytest.raises(ConfigError, match=f"'wrong' holds {makes}"):
        held_out("wrong", artifact, None)
