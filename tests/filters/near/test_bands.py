"""The index finds every row that shares a band, at eight entries a bucket."""

import random

from openbezoar.filters.near.bands import DEEP, Bands, Look


def signature(stream: random.Random, length: int = 6) -> list[int]:
    return [stream.getrandbits(32) for _ in range(length)]


def look(index: Bands, signature: list[int]) -> Look:
    return index.look(index.marks([signature])[0])


def test_a_row_is_found_by_any_one_band() -> None:
    """Three bands of two numbers each."""
    stream, index = random.Random(1), Bands(3, 2)
    noted = signature(stream)
    index.add(7, look(index, noted))
    for band in range(3):
        asked = signature(stream)
        assert look(index, asked).rows == []
        asked[2 * band : 2 * band + 2] = noted[2 * band : 2 * band + 2]
        assert look(index, asked).rows == [7]


def test_the_same_numbers_in_another_band_are_another_band() -> None:
    index = Bands(2, 2)
    index.add(0, look(index, [1, 2, 3, 4]))
    assert look(index, [3, 4, 1, 2]).rows == []
    assert look(index, [2, 1, 4, 3]).rows == []


def test_what_was_noted_is_found_however_often_the_index_grew() -> None:
    stream, index = random.Random(1), Bands(4, 1)
    rows = [signature(stream, 4) for _ in range(20_000)]
    for number, row in enumerate(rows):
        found = look(index, row)
        assert number not in found.rows
        index.add(number, found)
    assert all(number in look(index, row).rows for number, row in enumerate(rows))
    assert index.crowded < 0.05 * 4 * len(rows)


def test_rows_alike_fill_one_bucket_and_no_more() -> None:
    index = Bands(2, 3)
    for number in range(100):
        index.add(number, look(index, [1, 2, 3, 4, 5, 6]))
    assert look(index, [1, 2, 3, 4, 5, 6]).rows == list(range(DEEP))
    assert index.crowded == 2 * (100 - DEEP)
