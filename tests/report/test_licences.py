"""The report's table of licences: what a data set or model can be under, and what is in the way."""

from pathlib import Path

import pytest

from openbezoar.report.contents import gather
from openbezoar.report.licences import Standing, standings
from openbezoar.report.page import write
from tests.licences.conftest import Bookcase
from tests.report.conftest import Shelf


@pytest.fixture
def bookcase(tmp_path: Path) -> Bookcase:
    """An empty store to put artifacts into."""
    return Bookcase(tmp_path / "store")


def test_every_data_set_says_its_licence_or_what_is_in_the_way(bookcase: Bookcase) -> None:
    bookcase.source("free", ("MIT",))
    bookcase.source("bare", ())
    bookcase.mix("data", "free")
    bookcase.mix("more", "bare")
    first, second = standings(gather(bookcase.store))
    assert first == Standing("data", "examples data set", "MIT", ())
    assert (second.licence, "1 row bears no licence" in second.hindrances[0]) == ("", True)


def test_manifests_that_do_not_say_enough_are_named_without_their_folder(shelf: Shelf) -> None:
    shelf.put("data", "mix", "examples data set", {"train": 1, "valid": 0})
    (found,) = standings(gather(shelf.store))
    assert "cannot be told from its manifests" in found.hindrances[0]
    assert str(shelf.store.root) not in found.hindrances[0]


def test_a_licence_with_html_in_it_is_shown_as_text(bookcase: Bookcase, tmp_path: Path) -> None:
    bookcase.source("rows", ("<b onclick=x>",))
    bookcase.mix("data", "rows")
    page = write(bookcase.store, tmp_path / "page.html").read_text()
    assert "&lt;b onclick=x&gt;" in page
    assert "<b onclick" not in page
