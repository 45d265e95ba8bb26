"""Drops rows that hold the items of the benchmarks on which the recipe measures its models."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, PrivateAttr

from openbezoar import files, jsonl
from openbezoar.component import OneOf
from openbezoar.errors import ConfigError
from openbezoar.families import (
    Bench,
    CheckMany,
    Evaluation,
    Filter,
    Item,
    ModelSpec,
    Numbers,
)
from openbezoar.filters.installed import expect_installed
from openbezoar.filters.texts import everything_in
from openbezoar.records import Row, Verdict

if TYPE_CHECKING:
    from openbezoar.filters.items.overlap import Hit, Index
    from openbezoar.filters.items.sought import Wanted

__all__ = ["Contamination"]

LONGEST_SPAN = 600
"""Characters of a span that a verdict shows."""
MOST_OTHERS = 8
"""Further items that a verdict names."""
MOST_SHOWN = 12
"""Rows that the numbers show; all of them are among the rejected rows."""


class Contamination(Filter):
    """Looks in all of a row for every item of the recipe's benchmarks, verbatim or lightly edited.

    N-grams that few texts of the benchmarks share point to a text; it is found when enough of its
    words stand there in order, a rare word counting for more than a common one. An item whose own
    text is short is found with its right answer or choices. A paraphrase is not found.
    """

    kind: Literal["contamination"] = "contamination"
    benchmarks: tuple[Annotated[Evaluation, OneOf("openbezoar.evaluations")], ...] = ()
    """Evaluations whose items to look for; without any, those of the recipe's evaluate stages."""
    files: tuple[str, ...] = ()
    """JSON Lines files of further items, with a question and perhaps id, answer and choices; seen
    from the current folder or, failing that, from the recipe's."""
    ngram: int = Field(4, ge=2, le=20)
    """The neighbouring words that a row must share with a text for the two to be compared."""
    boilerplate: PositiveInt = 10
    """An n-gram that more items than these share points to none of them."""
    score: float = Field(0.65, gt=0, le=1)
    """The share of a text's words, weighted by rarity, from which on it counts as found."""
    short_score: float = Field(0.85, gt=0, le=1)
    """The same for a text with fewer than `short_words` words."""
    short_words: int = Field(16, ge=0)
    """Texts with fewer words are short."""
    least_words: int = Field(6, ge=1)
    """A text with fewer words is found with the right answer or choices only."""
    flagged: Literal["drop", "keep"] = "drop"
    """keep: rows that hold items stay, marked; runs, report and manifest say so each time. The
    option --keep-contaminated sets it everywhere."""

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Remember where files may lie: the recipe's folder, its loader's `{"folder": Path}`."""
        if self.files and isinstance(context, dict):
            self._folder = context.get("folder")

    def heeds(self, evaluations: Sequence[Evaluation]) -> dict[str, JsonValue]:
        """The benchmarks it looks for, with what determines their items."""
        found: dict[str, JsonValue] = {}
        for part in self.benchmarks or evaluations:
            found |= part.benchmarks()
        for file in self.files:
            path = files.located(file, self._folder)
            found[file] = files.digest(path) if path.is_file() else "absent"
        if not found:
            raise ConfigError(
                "contamination: no evaluate stage of the recipe names a benchmark; give the filter "
                "`benchmarks` or `files`, or remove it"
            )
        return found

    def warnings(self) -> list[str]:
        """Say when contaminated rows are kept."""
        if self.flagged == "drop":
            return []
        return ["rows that hold items of benchmarks are kept; scores on those will not be clean"]

    @contextmanager
    def open_for_many(self, bench: Bench, numbers: Numbers) -> Iterator[CheckMany]:
        """Index the items, give the check, then count what was found, by benchmark."""
        wanted, index = self.index(bench.evaluations)
        bench.say(f"looking for {sum(wanted.items.values())} items of {', '.join(wanted.items)}")
        tally = _Tally(wanted)

        def decided(row: Row, hits: "list[Hit]") -> Verdict:
            if not hits:
                return self.keep()
            verdict = self._verdict(hits)
            tally.count(row.id, hits, verdict)
            return verdict

        def check(rows: Sequence[Row]) -> list[Verdict]:
            found = index.search([everything_in(row) for row in rows])
            return list(map(decided, rows, found))

        yield check
        numbers[self.kind] = {"flagged": self.flagged, **tally.numbers()}

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Look for the library that compares."""
        expect_installed(self.kind, "numpy")

    def index(self, evaluations: Sequence[Evaluation]) -> "tuple[Wanted, Index]":
        """The items, and what finds their texts in others."""
        from openbezoar.filters.items.overlap import Index, Rule
        from openbezoar.filters.items.sought import choose

        rule = Rule(self.ngram, self.boilerplate, self.score, self.short_score, self.short_words)
        wanted = choose(self.items(evaluations), rule, self.least_words)
        return wanted, Index(wanted.texts, rule)

    def items(self, evaluations: Sequence[Evaluation]) -> Iterator[Item]:
        """Every item it looks for, those of a benchmark that is named twice once."""
        seen: set[str] = set()
        for part in self.benchmarks or evaluations:
            new = part.benchmarks().keys() - seen
            seen |= new
            if new:
                yield from (item for item in part.items() if item.benchmark in new)
        for file in self.files:
            yield from _items_of(file, files.located(file, self._folder))

    def _verdict(self, hits: "list[Hit]") -> Verdict:
        best = hits[0]
        (task, item), *others = dict.fromkeys(pair for hit in hits for pair in hit.sought.items)
        cut = "…" if len(best.span) > LONGEST_SPAN else ""
        details: dict[str, JsonValue] = {
            "task": task,
            "item": item,
            "score": round(best.score, 3),
            "span": best.span[:LONGEST_SPAN] + cut,
        }
        if others:
            details["others"] = [": ".join(pair) for pair in others[:MOST_OTHERS]]
        if self.flagged == "drop":
            return self.drop("contaminated", **details)
        reason = "contaminated, kept on request"
        return Verdict(filter=self.kind, keep=True, reason=reason, details=details)


class _FileItem(BaseModel):
    """One line of a file of items."""

    model_config = ConfigDict(extra="ignore")

    question: str | tuple[str, ...]
    id: int | str | None = None
    answer: str = ""
    choices: tuple[str, ...] = ()


class _Tally:
    """What was found, by benchmark."""

    def __init__(self, wanted: "Wanted") -> None:
        self._wanted = wanted
        self._rows: Counter[str] = Counter()
        self._found: set[tuple[str, str]] = set()
        self._shown: list[JsonValue] = []
        self._flagged = 0

    def count(self, row: str, hits: "Sequence[Hit]", verdict: Verdict) -> None:
        """Count one row, once for each benchmark that it holds something of."""
        if len(self._shown) < MOST_SHOWN:
            self._shown.append({"row": row, **verdict.details})
        found = {pair for hit in hits for pair in hit.sought.items}
        self._flagged += 1
        self._rows.update({task for task, _ in found})
        self._found |= found

    def numbers(self) -> Numbers:
        """Rows and items, in all and by benchmark, and the first rows with what explains them."""
        found = Counter(task for task, _ in self._found)
        unsearchable = self._wanted.unsearchable
        tasks: Numbers = {
            task: {
                "items": count,
                "unsearchable": unsearchable.get(task, 0),
                "found": found[task],
                "rows": self._rows[task],
            }
            for task, count in self._wanted.items.items()
        }
        return {"rows": self._flagged, "tasks": tasks, "hits": self._shown}


def _items_of(name: str, path: Path) -> Iterator[Item]:
    for place, line in enumerate(jsonl.read(path, _FileItem)):
        texts = (line.question,) if isinstance(line.question, str) else line.question
        yield Item(
            name, str(place if line.id is None else line.id), texts, line.answer, line.choices
        )
