"""Digests of files, whole and cheap, and the place of the cache."""

from pathlib import Path

import pytest

from openbezoar import files

ONE_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def test_a_digest_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a")
    assert files.digest(path) == ONE_A


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("b")
    before = files.digest(path)
    path.write_text("longer")
    assert files.digest(path) != before


@pytest.mark.parametrize("place", [0, 3 << 20])
def test_edges_see_a_change_at_either_end(tmp_path: Path, place: int) -> None:
    path = tmp_path / "weights"
    content = bytearray((3 << 20) + 1)
    path.write_bytes(content)
    before = files.edges(path)
    content[place] = 1
    path.write_bytes(content)
    assert files.edges(path) != before


def test_edges_see_the_size(tmp_path: Path) -> None:
    for size in (3 << 20, 4 << 20):
        (tmp_path / str(size)).write_bytes(bytes(size))
    assert files.edges(tmp_path / str(3 << 20)) != files.edges(tmp_path / str(4 << 20))


def test_the_cache_lies_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path))
    assert files.cache_folder() == tmp_path
    monkeypatch.delenv("OPENBEZOAR_CACHE")
    assert files.cache_folder() == Path.home() / ".cache" / "openbezoar"
