"""Parquet files are cut by length, named for load_dataset, and equal for equal rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openbezoar.publishing.parquet import BATCH_ROWS, write_split


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"id": f"row-{number}", "epoch": number, "parents": [], "messages": None}


def test_rows_come_back_in_their_order_from_several_files(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    count = 2 * BATCH_ROWS + 5
    files = write_split(rows(count), tmp_path, "train", shard_bytes=1)
    assert [path.name for path in files] == [f"train-0000{n}-of-00003.parquet" for n in range(3)]
    found = [row for path in files for row in pq.read_table(path)["epoch"].to_pylist()]
    assert found == [*range(count)]
    assert sorted(tmp_path.iterdir()) == files


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    one, other = (write_split(rows(50), tmp_path / name, "train") for name in "ab")
    assert one[0].read_bytes() == other[0].read_bytes()


def test_no_rows_give_no_file(tmp_path: Path) -> None:
    assert write_split(rows(0), tmp_path, "train") == []


@pytest.mark.slow
def test_the_columns_keep_their_types_in_load_dataset(
    tmp_path: Path,
) -> None:
    from datasets import load_dataset

    held = {
        "id": "a", "epoch": None, "gpt4_rating": 1.5, "licences": ["MIT"],
        "messages": [{"role": "user", "content": "Hi \u2028 <b>"}],
    }  # fmt: skip
    write_split([held], tmp_path / "set" / "data", "validation")
    found = load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    assert [*found] == ["validation"]
    assert found["validation"][0] == held
    assert found["validation"].features["epoch"].dtype == "int64"
