"""Rows go through filters from file to file, one after the other, and not one is lost."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbezoar import jsonl
from openbezoar.errors import ModelError, ParseError
from openbezoar.families import AskingFilter, Bench, Check, Filter, Numbers, Rows
from openbezoar.records import Example, Message, Rejected, Row, Verdict
from openbezoar.stages.sieve import TOGETHER, Sieve, StoredRows


class Digits(Filter):
    """Drops the rows whose id ends with one of its digits; what it cannot read, it says."""

    kind: str = "digits"
    digits: str
    unreadable: str = "none"

    def check(self, row: Row) -> Verdict:
        if row.id[-1] in self.unreadable:
            raise ParseError("not a number", row.id)
        return self.drop(f"ends with {row.id[-1]}") if row.id[-1] in self.digits else self.keep()


class Once(Filter):
    """Keeps the first row of every last digit."""

    kind: str = "once"

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        seen: dict[str, str] = {}

        def check(row: Row) -> Verdict:
            first = seen.setdefault(row.id[-1], row.id)
            return self.keep() if first == row.id else self.drop("again", repeats=first)

        yield check
        numbers["once"] = len(seen)


class Asked(AskingFilter):
    """Decides as `Digits` does, in a coroutine, and counts the rows beforehand."""

    kind: str = "asked"
    digits: str

    @asynccontextmanager
    async def ask(
        self, bench: Bench, rows: Rows, numbers: Numbers
    ) -> AsyncIterator[Callable[[Row], Awaitable[Verdict]]]:
        numbers["asked"] = [row.id for row in rows]
        assert len(rows) == sum(1 for _ in rows)

        async def decide(row: Row) -> Verdict:
            if row.id[-1] in self.digits:
                return self.drop("asked and refused")
            return Verdict(filter=self.kind, keep=True, details={"seen": True})

        yield decide


def row(place: int) -> Example:
    asked = Message(role="user", content="Why?")
    return Example(id=f"r{place}", messages=(asked, Message(role="assistant", content="So.")))


class Sifted:
    """What came of some rows."""

    def __init__(
        self, filters: Sequence[Filter], rows: Sequence[Row], concurrency: int = 4
    ) -> None:
        with TemporaryDirectory() as name:
            folder = Path(name)
            self.numbers: Numbers = {}
            self.told: list[str] = []
            jsonl.write(folder / "0.jsonl", rows)
            with jsonl.writing(folder / "rejected.jsonl") as reject:
                self.sieve = Sieve(filters, self._bench(folder), self.numbers, reject)
                for number, places in enumerate(self.sieve.passes()):
                    left = StoredRows(folder / f"{number}.jsonl", Example)
                    with jsonl.writing(folder / f"{number + 1}.jsonl") as keep:
                        self.sieve.take(left, places, keep, concurrency)
            self.kept = list(jsonl.read(folder / f"{number + 1}.jsonl", Example))
            self.rejected = list(jsonl.read(folder / "rejected.jsonl", Rejected))

    def _bench(self, folder: Path) -> Any:
        def progress(done: int, total: int, note: str) -> None:
            self.told.append(f"{done}/{total} {note}")

        return Bench(
            stage="kept", seed=1, folder=folder, scratch=folder, inputs={}, specs={},
            open_model=lambda name: pytest.fail(name),
            open_checkpoint=lambda path, print_: pytest.fail(print_),
            say=self.told.append, find=lambda print_: pytest.fail(print_), progress=progress,
        )  # fmt: skip


def slowly(filters: Sequence[Filter], ids: list[str]) -> tuple[list[str], dict[str, str]]:
    """One filter after the other over a list in memory: what each leaves, and who dropped what."""
    dropped: dict[str, str] = {}
    for part in filters:
        if isinstance(part, Once):
            left = [id_ for place, id_ in enumerate(ids)
                    if id_[-1] not in {other[-1] for other in ids[:place]}]  # fmt: skip
        else:
            left = [id_ for id_ in ids if id_[-1] not in part.digits]  # type: ignore[attr-defined]
        dropped |= {id_: part.kind for id_ in ids if id_ not in left}
        ids = left
    return ids, dropped


digits = st.text("0123456789", max_size=4)
parts = st.one_of(
    digits.map(lambda found: Digits(digits=found)),
    digits.map(lambda found: Asked(digits=found)),
    st.just(Once()),
)


@settings(deadline=None)
@given(st.integers(0, 40), st.lists(parts, min_size=1, max_size=5), st.integers(1, 9))
def test_kept_and_rejected_are_all_that_was_read_whatever_the_filters(
    count: int, filters: list[Filter], concurrency: int
) -> None:
    rows = [row(place) for place in range(count)]
    sifted = Sifted(filters, rows, concurrency)
    kept, dropped = slowly(filters, [row.id for row in rows])
    assert [row.id for row in sifted.kept] == kept
    assert {str(one.row["id"]): one.verdict.filter for one in sifted.rejected} == dropped
    assert len(sifted.kept) + len(sifted.rejected) == count
    assert sifted.sieve.reasons.total() == len(sifted.rejected)
    steps: list[Any] = sifted.sieve.counts(count)
    assert [step["read"] for step in steps] == [count, *(step["kept"] for step in steps[:-1])]
    assert steps[-1]["kept"] == len(kept)


@pytest.mark.parametrize("count", [TOGETHER, 2 * TOGETHER + 1])
def test_more_rows_than_are_looked_at_together_are_all_kept_or_rejected_in_order(
    count: int,
) -> None:
    filters, rows = [Digits(digits="2"), Digits(digits="51")], [row(at) for at in range(count)]
    sifted = Sifted(filters, rows)
    kept, dropped = slowly(filters, [row.id for row in rows])
    assert [row.id for row in sifted.kept] == kept
    assert [one.row["id"] for one in sifted.rejected] == sorted(
        dropped, key=lambda id_: int(id_[1:])
    )


def test_neighbours_that_ask_nobody_take_one_pass() -> None:
    plain, asks = Digits(digits=""), Asked(digits="")
    filters = [plain, plain, asks, asks, plain, asks, plain, plain]
    assert Sifted(filters, []).sieve.passes() == [[0, 1], [2], [3], [4], [5], [6, 7]]


def test_rejected_rows_lie_in_the_order_of_the_passes_then_of_the_rows() -> None:
    filters = [Digits(digits="57"), Digits(digits="2"), Asked(digits="13"), Digits(digits="4")]
    rejected = Sifted(filters, [row(place) for place in range(8)]).rejected
    assert [one.row["id"] for one in rejected] == ["r2", "r5", "r7", "r1", "r3", "r4"]


def test_a_filter_that_asks_is_shown_only_what_is_left() -> None:
    sifted = Sifted([Digits(digits="01"), Asked(digits="")], [row(place) for place in range(4)])
    assert sifted.numbers["asked"] == ["r2", "r3"]


def test_what_a_later_filter_drops_was_seen_all_the_same() -> None:
    sifted = Sifted([Once(), Digits(digits="1")], [row(1), row(11), row(2)])
    verdicts = {one.row["id"]: one.verdict for one in sifted.rejected}
    assert verdicts["r11"].details == {"repeats": "r1"}
    assert verdicts["r1"].reason == "ends with 1"
    assert sifted.numbers["once"] == 2


def test_a_row_that_cannot_be_checked_is_rejected_and_its_neighbours_are_not() -> None:
    sifted = Sifted([Digits(digits="", unreadable="2")], [row(place) for place in range(4)])
    (rejected,) = sifted.rejected
    assert rejected.verdict.reason == "could not be checked (not a number)"
    assert rejected.verdict.details == {"detail": "r2"}
    assert [row.id for row in sifted.kept] == ["r0", "r1", "r3"]


def test_any_other_error_stops_the_stage() -> None:
    class Broken(Digits):
        def check(self, row: Row) -> Verdict:
            raise ModelError("gone")

    with pytest.raises(ModelError, match="gone"):
        Sifted([Broken(digits="")], [row(1)])


def test_a_row_carries_what_was_said_of_it_and_nothing_of_a_plain_pass() -> None:
    sifted = Sifted([Digits(digits="1"), Asked(digits=""), Digits(digits="2")], [row(3)])
    said = Verdict(filter="asked", keep=True, details={"seen": True})
    assert sifted.kept == [row(3).model_copy(update={"verdicts": (said,)})]


def test_progress_is_told_now_and_then() -> None:
    told = Sifted([Digits(digits="1"), Once()], [row(place) for place in range(2500)]).told
    assert told == [
        "1000/2500 digits, once: 991 rejected",
        "2000/2500 digits, once: 1991 rejected",
    ]
