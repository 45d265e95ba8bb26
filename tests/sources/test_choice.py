"""Which rows a source keeps, on rows made up here."""

from collections.abc import Iterator
from typing import Any

import pytest

from openbezoar.records import Seed
from openbezoar.sources.choice import Chosen, Found, row_id


class Numbers(Chosen):
    """Seeds numbered by `names`; a name that starts with ! is rejected."""

    makes = "seeds"
    names: tuple[str, ...]
    per_letter: int | None = None

    def read(self) -> Iterator[Found]:
        for name in self.names:
            bad = name.startswith("!")
            yield ("bad", {"name": name}) if bad else Seed(id=name, instruction=name)

    def group(self, row: Any) -> str:
        return str(row.id[0])

    def per_group(self) -> int | None:
        return self.per_letter


def kept(**settings: Any) -> list[str]:
    return [row.id for row in Numbers(**settings).rows() if isinstance(row, Seed)]


NAMES = tuple(f"{letter}{number}" for number in range(20) for letter in "abc")


def test_all_rows_are_kept_in_order_without_a_limit() -> None:
    assert kept(names=NAMES) == list(NAMES)


def test_a_limit_keeps_the_first_rows_and_counts_only_kept_ones() -> None:
    assert kept(names=("!", "a", "!", "a", "b", "c"), limit=2) == ["a", "b"]


def test_nothing_is_read_past_the_limit() -> None:
    found = list(Numbers(names=("a", "b", "!late"), limit=2).rows())
    assert len(found) == 2


def test_a_row_seen_before_is_rejected_as_a_duplicate() -> None:
    found = list(Numbers(names=("a", "b", "a")).rows())
    assert found[2] == ("duplicate", Seed(id="a", instruction="a").model_dump(mode="json"))


def test_a_group_has_a_limit_of_its_own() -> None:
    assert kept(names=NAMES, per_letter=1) == ["a0", "b0", "c0"]
    assert len(kept(names=NAMES, per_letter=2, sample="random", limit=5)) == 5


def test_a_random_draw_depends_on_the_seed_and_not_on_the_files_order() -> None:
    drawn = kept(names=NAMES, sample="random", limit=8)
    assert drawn == kept(names=NAMES[::-1], sample="random", limit=8)
    assert drawn != kept(names=NAMES, sample="random", limit=8, seed=1)
    assert drawn != list(NAMES[:8])


def test_a_new_row_changes_at_most_one_row_of_a_random_draw() -> None:
    drawn = kept(names=NAMES, sample="random", limit=8)
    assert len(set(drawn) - set(kept(names=("new", *NAMES), sample="random", limit=8))) <= 1


@pytest.mark.parametrize("text", ["a", "é", "\ud800"])
def test_an_id_comes_from_the_content_alone(text: str) -> None:
    assert row_id("x", {"a": text, "b": 1}) == row_id("x", {"b": 1, "a": text})
    assert row_id("x", {"a": text}) != row_id("x", {"a": text + "."})
    assert len(row_id("x", {"a": text})) == len("x-") + 12
