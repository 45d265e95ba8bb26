"""Rows to read."""

from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.report.contents import gather
from openbezoar.report.samples import LONGEST, Samples, _at_places, _cut, _within, samples
from tests.report.conftest import Shelf, example, rejected


def only(shelf: Shelf) -> Samples:
    """The samples of a store's one stage."""
    (found,) = samples(gather(shelf.store))
    return found


def put_filter(shelf: Shelf, **files: object) -> None:
    """A filter with these files."""
    content = {f"{name}.jsonl": rows for name, rows in files.items()}
    shelf.put("kept", "filter", "examples", {"read": 0, "rows": 0, "rejected": {}}, files=content)


def test_kept_and_lost_rows_of_every_stage_of_rows_are_shown(line: Shelf) -> None:
    shown = {sample.stage: sample for sample in samples(gather(line.store))}
    assert list(shown) == ["instructions", "pairs", "lamini", "lamini_kept"]
    assert shown["lamini"].lost[0].verdict == "failed: no answer"
    assert shown["lamini_kept"].kept[0].texts[-1] == ("assistant", "Because water is heavy.")
    assert "rating 0.8" in shown["lamini_kept"].kept[0].verdict


def test_only_preferences_are_marked_as_possibly_offensive(line: Shelf) -> None:
    marked = [sample.stage for sample in samples(gather(line.store)) if sample.offensive]
    assert marked == ["pairs"]


def test_every_reason_is_shown_before_one_comes_twice(shelf: Shelf) -> None:
    rows = [rejected(example(number), "length", "too short") for number in range(40)]
    put_filter(shelf, rejected=[*rows, *[rejected(example(99), "judged", "rejected")] * 10])
    causes = [row.cause for row in only(shelf).lost]
    assert causes[:2] == ["length: too short", "judged: rejected"]


def test_a_row_rejected_in_a_form_of_its_own_is_shown_by_its_fields(line: Shelf) -> None:
    assert samples(gather(line.store))[0].lost[0].texts == [("instruction", ""), ("response", "x")]


def test_a_row_that_cannot_be_read_is_named_and_the_others_stay(shelf: Shelf) -> None:
    put_filter(shelf, rows=[{"no": "row"}, example(1)])
    unreadable, other = only(shelf).kept
    assert (unreadable.verdict, other.id) == ("this row cannot be read", "row-1")


def test_a_stage_whose_rows_are_gone_is_shown_empty(shelf: Shelf) -> None:
    put_filter(shelf)
    assert (only(shelf).kept, only(shelf).lost) == ([], [])


def test_a_long_text_is_cut_and_says_how_much_is_missing() -> None:
    assert _cut("x" * (LONGEST + 1500)).endswith("x… (1,500 more characters)")


def test_a_row_of_many_texts_says_how_many_are_missing() -> None:
    texts = [("user", "x" * 40)] * 5
    shown = list(_within(100, texts))
    assert len(shown) == 4
    assert shown[-1] == ("…", "(2 more texts)")


@given(st.lists(st.text("abé", min_size=1, max_size=30), max_size=30), st.integers(1, 9))
def test_lines_of_a_large_file_are_whole_different_and_in_order(
    lines: list[str], count: int
) -> None:
    numbered = [f"{number} {line}\n".encode() for number, line in enumerate(lines)]
    content = b"".join(numbered)
    drawn = [numbered.index(line) for line in _at_places(BytesIO(content), len(content), count)]
    assert drawn == sorted(set(drawn))
    assert len(drawn) <= count
    assert drawn[:1] == ([0] if lines else [])


@pytest.mark.parametrize(
    ("rows", "shown"), [(2, [0, 1]), (12, [*range(12)]), (36, [*range(0, 36, 3)])]
)
def test_rows_are_spread_over_the_file(shelf: Shelf, rows: int, shown: list[int]) -> None:
    put_filter(shelf, rows=[example(number) for number in range(rows)])
    assert [row.id for row in only(shelf).kept] == [f"row-{number}" for number in shown]


def test_rows_of_a_large_file_come_from_all_over_it(shelf: Shelf) -> None:
    rows = [example(number, "word " * 400) for number in range(1000)]
    put_filter(shelf, rows=rows)
    ids = [int(row.id.removeprefix("row-")) for row in only(shelf).kept]
    assert ids[0] == 0
    assert all(60 < later - id_ < 110 for id_, later in pairwise(ids))
