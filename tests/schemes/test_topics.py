"""Topics come from us, from Wikipedia under the published rule, or from a file."""

import gzip
from pathlib import Path

import pytest

from openbezoar.errors import ConfigError, DataError
from openbezoar.schemes.topics import fits_rule, parse_category_tree, topics_of


@pytest.mark.parametrize(
    ("name", "sub_categories", "pages", "fits"),
    [
        ("Infantry", 11, 51, True),
        ("Design bureaus", 11, None, True),
        ("Types of software", 50, 500, False),
        ("Infantry", 10, 51, False),
        ("Infantry", 11, 50, False),
    ],
)
def test_a_category_is_short_and_large(
    name: str, sub_categories: int, pages: int | None, fits: bool
) -> None:
    assert fits_rule(name, sub_categories, pages) is fits


def test_sub_categories_are_the_names_one_level_below() -> None:
    wide = ["1#Wide", *(line for n in range(11) for line in (f"2#Child {n}", f"3#Grandchild {n}"))]
    narrow = ["1#Narrow", *(f"2#Kid {n}" for n in range(10)), *(f"3#Deep {n}" for n in range(11))]
    assert parse_category_tree([*wide, "", *narrow]) == ("Wide", "Kid 9")


@pytest.mark.parametrize("line", ["Infantry", "x#Infantry", "1#", "#Infantry"])
def test_a_broken_line_of_the_tree_is_named(line: str) -> None:
    with pytest.raises(DataError, match="line 2"):
        parse_category_tree(["1#C# (language)", line])


def test_our_own_topics_are_one_or_two_words() -> None:
    topics = topics_of("sample")
    assert len(topics) >= 60
    assert all(1 <= len(topic.split()) <= 2 for topic in topics)


def test_a_file_gives_one_topic_a_line(tmp_path: Path) -> None:
    path = tmp_path / "topics.txt"
    path.write_text("Tides\n\n Rust \nTides\n", encoding="utf-8")
    assert topics_of(str(path)) == ("Tides", "Rust")


def test_a_missing_file_of_topics_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sample, wikipedia or a file"):
        topics_of(str(tmp_path / "none.txt"))


def test_a_file_without_topics_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.txt"
    path.write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match="none found"):
        topics_of(str(path))


def test_wikipedia_s_tree_gives_short_names(data_folder: Path) -> None:
    content = (data_folder / "lamini" / "wikipedia_category_tree_cs.txt.gz").read_bytes()
    names = parse_category_tree(gzip.decompress(content).decode("gb18030").splitlines())
    assert len(names) > 100
    assert "Algorithms" in names
    assert all(len(name.split()) < 3 for name in names)
