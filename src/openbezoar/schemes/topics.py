"""Topics to guide new instructions: ours, Wikipedia's category names, or one a line in a file."""

import gzip
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from openbezoar import catalog
from openbezoar.errors import ConfigError, DataError

__all__ = ["fits_rule", "parse_category_tree", "topics_of"]

SAMPLE = Path(__file__).parent.parent / "sources" / "rows" / "topics.txt"
WIKIPEDIA = "wikipedia_category_tree_cs.txt.gz"


@cache
def topics_of(choice: str) -> tuple[str, ...]:
    """The topics that a setting names: `sample`, `wikipedia` or a path."""
    if choice == "wikipedia":
        topics = parse_category_tree(
            _text(catalog.find("lamini", WIKIPEDIA), "gb18030").splitlines()
        )
    else:
        path = SAMPLE if choice == "sample" else Path(choice)
        topics = tuple(dict.fromkeys(line.strip() for line in _text(path, "utf-8").splitlines()))
    topics = tuple(topic for topic in topics if topic)
    if not topics:
        raise DataError(f"topics {choice!r}: none found; give a file with one topic a line")
    return topics


def parse_category_tree(lines: Iterable[str]) -> tuple[str, ...]:
    """The names that fit the rule, from `depth#name` lines in which children follow their parent.

    The tree gives sub-categories and no page counts, so that half of the rule is not applied.
    """
    children: dict[str, set[str]] = defaultdict(set)
    path: list[str] = []
    for number, line in enumerate(lines, start=1):
        depth, separator, name = line.strip().partition("#")
        if not line.strip():
            continue
        if not separator or not depth.isdecimal() or not name:
            raise DataError(
                f"category tree, line {number}: expected depth#name, found {line[:40]!r}"
            )
        del path[max(int(depth) - 1, 0) :]
        if path:
            children[path[-1]].add(name)
        path.append(name)
        children.setdefault(name, set())
    return tuple(name for name, below in children.items() if fits_rule(name, len(below)))


def fits_rule(name: str, sub_categories: int, pages: int | None = None) -> bool:
    """LaMini-LM's rule for a category: short, and large enough; an unknown page count passes."""
    return len(name.split()) < 3 and sub_categories > 10 and (pages is None or pages > 50)


def _text(path: Path, encoding: str) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode(encoding)
    except FileNotFoundError:
        raise ConfigError(
            f"topics: no such file {path}; give sample, wikipedia or a file with one topic a line"
        ) from None
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: cannot be read as topics ({error})") from None
