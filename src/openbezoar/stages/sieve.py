"""Takes rows through filters, from file to file: each is kept, or rejected with its reason."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, JsonValue

from openbezoar import jsonl
from openbezoar.driver import over_rows, wait_for
from openbezoar.families import AskingFilter, Bench, CheckMany, Filter, Numbers
from openbezoar.records import Example, Preference, Rejected, Row, Seed, Verdict

__all__ = ["Sieve", "StoredRows"]

TOGETHER = 100
"""Rows that one filter looks at before the next one does: what it looks them up in stays at hand,
which made a stage a third faster than going through all filters row by row."""
EVERY = 10 * TOGETHER
"""Rows between two words about progress where no model is asked."""

Put = Callable[[BaseModel], object]


class StoredRows:
    """The rows of a file, or `most` of them spread evenly: counted once, read each time."""

    def __init__(self, path: Path, record: type[Row], most: int | None = None) -> None:
        self._path, self._record = path, record
        self._count = jsonl.count(path)
        self._places: set[int] | None = None
        if most is not None and most < self._count:
            self._places = {place * self._count // most for place in range(most)}

    def __len__(self) -> int:
        """How many rows there are."""
        return self._count if self._places is None else len(self._places)

    def __iter__(self) -> Iterator[Row]:
        """Read the rows from the first on."""
        rows = jsonl.read(self._path, self._record)
        if self._places is None:
            return rows
        return (row for place, row in enumerate(rows) if place in self._places)


@dataclass
class Sieve:
    """Some filters at work, and what each of them has dropped so far."""

    filters: Sequence[Filter]
    bench: Bench
    numbers: Numbers
    reject: Put
    reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dropped = [0] * len(self.filters)

    def passes(self) -> list[list[int]]:
        """The filters' places by pass: neighbours share one, a filter that asks has its own."""
        passes: list[list[int]] = []
        asked_before = True
        for place, part in enumerate(self.filters):
            asks = isinstance(part, AskingFilter)
            if asks or asked_before:
                passes.append([])
            passes[-1].append(place)
            asked_before = asks
        return passes

    def take(self, rows: StoredRows, places: Sequence[int], keep: Put, concurrency: int) -> None:
        """One pass over the rows; each filter sees what the one before it kept."""
        part = self.filters[places[0]]
        if isinstance(part, AskingFilter):
            wait_for(self._ask(part, rows, places[0], keep, concurrency))
        else:
            self._sift(rows, places, keep)

    def counts(self, read: int) -> list[JsonValue]:
        """How many of the rows read each filter was given and kept, in order."""
        lines: list[JsonValue] = []
        for part, dropped in zip(self.filters, self._dropped, strict=True):
            lines.append({"filter": part.kind, "read": read, "kept": read - dropped})
            read -= dropped
        return lines

    def _sift(self, rows: StoredRows, places: Sequence[int], keep: Put) -> None:
        with ExitStack() as opened:
            opens = [self.filters[place].open_for_many for place in places]
            checks = [opened.enter_context(open_(self.bench, self.numbers)) for open_ in opens]
            done, stream = 0, iter(rows)
            while some := list(islice(stream, TOGETHER)):
                for row in self._through(some, dict(zip(places, checks, strict=True))):
                    keep(row)
                done += len(some)
                if done % EVERY == 0:
                    self._tell(done, len(rows), places)

    def _through(self, rows: Sequence[Row], checks: Mapping[int, CheckMany]) -> Iterable[Row]:
        """The rows that pass every filter; those that do not are rejected in their order."""
        left = dict(enumerate(rows))
        dropped: dict[int, tuple[Row, Verdict, int]] = {}
        for place, check in checks.items():
            verdicts = check(list(left.values()))
            for (number, row), verdict in zip(list(left.items()), verdicts, strict=True):
                if verdict.keep:
                    left[number] = _with_verdict(row, verdict)
                else:
                    dropped[number] = left.pop(number), verdict, place
        for number in sorted(dropped):
            self._drop(*dropped[number])
        return left.values()

    async def _ask(
        self, part: AskingFilter, rows: StoredRows, place: int, keep: Put, concurrency: int
    ) -> None:
        async with (
            part.ask(self.bench, rows, self.numbers) as decide,
            aclosing(over_rows(rows, decide, concurrency)) as outcomes,
        ):
            done = 0
            async for outcome in outcomes:
                verdict = outcome.result or part.unchecked(outcome.error)
                if verdict.keep:
                    keep(_with_verdict(outcome.row, verdict))
                else:
                    self._drop(outcome.row, verdict, place)
                done += 1
                self._tell(done, len(rows), [place])

    def _drop(self, row: Row, verdict: Verdict, place: int) -> None:
        self._dropped[place] += 1
        self.reasons[f"{verdict.filter}: {verdict.reason}"] += 1
        self.reject(Rejected(verdict=verdict, row=row.model_dump(mode="json")))

    def _tell(self, done: int, total: int, places: Sequence[int]) -> None:
        kinds = ", ".join(self.filters[place].kind for place in places)
        rejected = sum(self._dropped[place] for place in places)
        self.bench.progress(done, total, f"{kinds}: {rejected} rejected")


def _with_verdict(row: Row, verdict: Verdict) -> Row:
    """A row carries what was said of it, such as its grade; a plain pass leaves it as it is."""
    says = verdict.grade is not None or verdict.reason or verdict.details
    if says and isinstance(row, Example):
        return row.model_copy(update={"verdicts": (*row.verdicts, verdict)})
    if says and isinstance(row, Seed | Preference):
        details = {**row.details, f"{verdict.filter}_verdict": verdict.model_dump(mode="json")}
        return row.model_copy(update={"details": details})
    return row
