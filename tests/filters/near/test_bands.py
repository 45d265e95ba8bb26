"""The index finds every row that shares a band, at eight entries a bucket."""

import random

from openbezoar.filters.near.bands import DEEP, Bands


def signature(stream: random.Random, length: int = 6) -> list[int]:
    return [stream.getrandbits(32) for _ in range(length)]


def test_a_row_is_found_by_any_one_band() -> None:
    """Three bands of two numbers each."""
    stream, index = random.Random(1), Bands(3, 2)
    noted = signature(stream)
    index.add(7, index.look(noted))
    for band in range(3):
        asked = signature(stream)
        assert index.look(asked).rows == []
        asked[2 * band : 2 * band + 2] = noted[2 * band : 2 * band + 2]
        assert index.look(asked).rows == [7]


def test_the_same_numbers_in_another_band_are_another_band() -> None:
    index = Bands(2, 2)
    index.add(0, index.look([1, 2, 3, 4]))
    assert index.look([3, 4, 1, 2]).rows == []
    assert index.look([2, 1, 4, 3]).rows == []


def test_what_was_noted_is_found_however_often_the_index_grew() -> None:
    stream, index = random.Random(1), Bands(4, 1)
    rows = [signature(stream, 4) for _ in range(20_000)]
    for number, row in enumerate(rows):
        look = index.look(row)
        assert number not in look.rows
        index.add(number, look)
    assert all(number in index.look(row).rows for number, row in enumerate(rows))
    assert index.crowded < 0.05 * 4 * len(rows)


def test_rows_alike_fill_one_bucket_and_no_more() -> None:
    index = Bands(2, 3)
    for number in range(100):
        index.add(number, index.look([1, 2, 3, 4, 5, 6]))
    assert index.look([1, 2, 3, 4, 5, 6]).rows == list(range(DEEP))
    assert index.crowded == 2 * (100 - DEEP)


def test_more_numbers_than_the_bands_need_do_not_matter() -> None:
    index = Bands(2, 2)
    index.add(0, index.look([1, 2, 3, 4, 5]))
    assert index.look([1, 2, 3, 4, 9]).rows == [0]
