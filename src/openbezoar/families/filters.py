"""A filter: what keeps or drops a row, with a reason."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.errors import ParseError
from openbezoar.families.bench import Bench, Numbers
from openbezoar.families.expected import Expected, Length
from openbezoar.families.models import ModelSpec
from openbezoar.ranges import ONE, Range
from openbezoar.records import Verdict

if TYPE_CHECKING:
    from openbezoar.families.evaluations import Evaluation


Check = Callable[[Any], Verdict]
CheckMany = Callable[[Sequence[Any]], list[Verdict]]
"""The verdicts on some neighbouring rows, in their order."""


class Filter(Component, ABC):
    """Keeps or drops a row, with a reason."""

    kind: str

    def check(self, row: Any) -> Verdict:
        """Decide on one row alone; a filter that remembers rows overrides `open` instead."""
        # not abstract: those that override `open` or `open_for_many`, or ask, have no use for it
        raise NotImplementedError(f"filter {self.kind} has neither check nor open")

    @contextmanager
    def open(self, bench: Bench, numbers: Numbers) -> Iterator[Check]:
        """Give the check for the rows of a stage, which is called once a row, in their order.

        What a filter must remember is bytes and numbers, never rows: a stage streams millions.
        Figures of its own go into `numbers`, under its kind, once the rows are through.
        """
        yield self.check

    @contextmanager
    def open_for_many(self, bench: Bench, numbers: Numbers) -> Iterator[CheckMany]:
        """What a stage asks for; overridden instead of `open` where rows together take less time.

        Each row gets the verdict that it would get alone.
        """
        with self.open(bench, numbers) as check:

            def checked(row: Any) -> Verdict:
                try:
                    return check(row)
                except ParseError as error:
                    return self.unchecked(error)

            yield lambda rows: [checked(row) for row in rows]

    def uses(self) -> tuple[str, ...]:
        """The models it needs, by name."""
        return ()

    def check_models(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a model it uses cannot do what is asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines its verdicts: its judge's prompts, the digests of its files."""
        return None

    def heeds(self, evaluations: "Sequence[Evaluation]") -> dict[str, JsonValue] | None:
        """What of the recipe's evaluations determines its verdicts; None where nothing does."""
        return None

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """Raise ConfigError when a file it needs is missing or no longer fits; asked by a run."""
        return

    def warnings(self) -> list[str]:
        """What a person should know before trusting the rows it keeps."""
        return []

    def keep(self) -> Verdict:
        """The verdict that keeps a row."""
        return _kept(self.kind)

    def drop(self, reason: str, **details: JsonValue) -> Verdict:
        """The verdict that drops a row for this reason, and what explains it in this very row."""
        return Verdict(filter=self.kind, keep=False, reason=reason, details=details)

    def unchecked(self, error: ParseError | None) -> Verdict:
        """The verdict on a row that it could not read or ask about."""
        assert error is not None  # noqa: S101 - a row without a verdict has failed
        return self.drop(f"could not be checked ({error.reason})", detail=error.detail)


@cache
def _kept(kind: str) -> Verdict:
    return Verdict(filter=kind, keep=True)


class Rows(Protocol):
    """Rows that can be counted and read again and again, without all being held in memory."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[Any]:
        """Read them from the first on."""


class AskingFilter(Filter, ABC):
    """A filter that asks a model about each row, some rows at a time."""

    @abstractmethod
    def ask(
        self, bench: Bench, rows: Rows, numbers: Numbers
    ) -> AbstractAsyncContextManager[Callable[[Any], Awaitable[Verdict]]]:
        """Give the coroutine that decides on one row; `rows` are those it will be asked about."""

    def expects_grades(self, rows: Range) -> Range:
        """How many questions so many rows give, those that try the judge first among them."""
        return rows

    def expects(self, row: Length) -> Expected:
        """About what one question asks, for rows of this length."""
        return Expected(ONE, row.asked + row.answered, row.answered, ONE)
