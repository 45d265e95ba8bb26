"""databricks-dolly-15k: instructions and answers that people wrote, in eight categories."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, JsonValue

from openbezoar import catalog, jsonl
from openbezoar.records import Example, Message, Row, Seed
from openbezoar.sources.choice import Chosen, Found, rejected, row_id

__all__ = ["CATEGORIES", "Category", "DollySource"]

Category = Literal[
    "brainstorming",
    "classification",
    "closed_qa",
    "creative_writing",
    "general_qa",
    "information_extraction",
    "open_qa",
    "summarization",
]
CATEGORIES: tuple[Category, ...] = (
    "brainstorming",
    "classification",
    "closed_qa",
    "creative_writing",
    "general_qa",
    "information_extraction",
    "open_qa",
    "summarization",
)

FILE = ("dolly", "databricks-dolly-15k.jsonl")
LICENCE = "CC-BY-SA-3.0"
_FIELDS = ("instruction", "context", "response", "category")
_CITATION = re.compile(
    r"\[(?:\d+|(?:note|nb|n\.?) \d+|[a-z ]*(?:citation|clarification|source) needed)\]",
    re.IGNORECASE,
)


class DollySource(Chosen):
    """Rows of databricks-dolly-15k."""

    kind: Literal["dolly"] = "dolly"
    makes = "seeds"

    categories: tuple[Category, ...] = CATEGORIES
    """The categories taken."""
    slices: dict[Category, tuple[int, int]] = {}
    """Rows from start up to end of a category, counted in the file's order, as the paper's authors
    chose theirs; a category without a slice is taken whole."""
    per_category: int | None = Field(None, ge=1)
    """At most so many rows of each category."""
    strip_citations: bool = False
    """Remove Wikipedia's marks, such as [1] or [citation needed], from contexts and answers."""
    answers: bool = False
    """Give examples with the human answers, to train or evaluate on, in place of seeds."""

    def yields(self) -> str:
        """Seeds, or examples when the answers are asked for."""
        return "examples" if self.answers else "seeds"

    def evidence(self) -> JsonValue:
        """The sha256 of the file."""
        return catalog.evidence(*FILE)

    def read(self) -> Iterator[Found]:
        """Every row of the chosen categories and slices."""
        path = catalog.find(*FILE)
        seen: Counter[str] = Counter()
        for number, raw in jsonl.read_objects(path):
            if problem := _problem(raw):
                yield rejected(problem, raw, f"{path.name}:{number}")
            elif self._wants(raw["category"], seen):
                seed = self._seed(raw)
                if not self.answers:
                    yield seed
                elif seed.target:
                    yield _answered(seed)
                else:
                    yield rejected("empty answer", raw, f"{path.name}:{number}")

    def group(self, row: Any) -> str:
        """The category."""
        return str(row.details["category"] if self.answers else row.category)

    def per_group(self) -> int | None:
        """The rows of each category."""
        return self.per_category

    def most(self) -> int | None:
        """The limit, or what the categories may give."""
        by_category = self.per_category and self.per_category * len(self.categories)
        return min(filter(None, (self.limit, by_category)), default=None)

    def _wants(self, category: Category, seen: Counter[str]) -> bool:
        place = seen[category]
        seen[category] += 1
        start, end = self.slices.get(category, (0, None))
        return category in self.categories and start <= place and (end is None or place < end)

    def _seed(self, raw: dict[str, Any]) -> Seed:
        name = row_id("dolly", {field: raw[field] for field in _FIELDS})
        context, response = (self._clean(raw[field]) for field in ("context", "response"))
        return Seed(
            id=name,
            origin="dolly",
            licences=(LICENCE,),
            instruction=raw["instruction"].strip(),
            context=context,
            target=response or None,
            category=raw["category"],
        )

    def _clean(self, text: str) -> str:
        return (_CITATION.sub("", text) if self.strip_citations else text).strip()


def _problem(raw: dict[str, Any]) -> str:
    for field in _FIELDS:
        if not isinstance(raw.get(field), str):
            return f"{field} is not a text"
    if raw["category"] not in CATEGORIES:
        return "unknown category"
    return "" if raw["instruction"].strip() else "empty instruction"


def _answered(seed: Seed) -> Row:
    return Example(
        id=seed.id,
        origin=seed.origin,
        licences=seed.licences,
        messages=(
            Message(role="user", content=seed.prompt),
            Message(role="assistant", content=seed.target or ""),
        ),
        details={"category": seed.category},
    )
