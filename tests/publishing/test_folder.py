"""A folder takes a publication, goes on with one, and is not taken from others."""

from pathlib import Path

import pytest

from openbezoar.errors import PublishError
from openbezoar.publishing.folder import Folder
from openbezoar.publishing.layout import File


@pytest.fixture
def published(tmp_path: Path) -> list[File]:
    names = {"README.md": "card", "data/train-00000-of-00001.parquet": "rows"}
    made = tmp_path / "made"
    made.mkdir()
    for place, text in enumerate(names.values()):
        (made / str(place)).write_text(text)
    return [File(name, made / str(place)) for place, name in enumerate(names)]


def held(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_every_file_arrives_under_its_name(tmp_path: Path, published: list[File]) -> None:
    Folder(tmp_path / "a" / "b").send(published, "")
    assert held(tmp_path / "a" / "b") == {
        "README.md": "card",
        "data/train-00000-of-00001.parquet": "rows",
    }


def test_a_copy_that_was_cut_off_is_gone_on_with(tmp_path: Path, published: list[File]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").write_text("card")
    (folder / "data.partial").write_text("ro")
    before = (folder / "README.md").stat().st_mtime_ns
    Folder(folder).send(published, "")
    assert (folder / "README.md").stat().st_mtime_ns == before
    assert held(folder)["data/train-00000-of-00001.parquet"] == "rows"


def test_what_an_earlier_publication_left_goes(tmp_path: Path, published: list[File]) -> None:
    folder = tmp_path / "out"
    Folder(folder).send(published, "")
    (folder / "data" / "train-00001-of-00002.parquet").write_text("old rows")
    Folder(folder).send(published, "")
    assert len(held(folder)) == 2


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path, published: list[File]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(
        PublishError, match=r"holds thesis\.tex, which is not part of a publication"
    ):
        Folder(folder).send(published, "")
    assert held(folder) == {"thesis.tex": "years of work"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(PublishError, match="out: is no folder; name another one"):
        Folder(tmp_path / "out").check()
