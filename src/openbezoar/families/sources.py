"""A source: where rows come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.expected import Flow
from openbezoar.records import Row


class Source(Component, ABC):
    """Where rows come from."""

    makes: ClassVar[str]
    """seeds, examples or preferences."""

    @abstractmethod
    def rows(self) -> Iterator[Row | tuple[str, dict[str, JsonValue]]]:
        """Yield rows, and (reason, raw row) for what is rejected."""

    def check_ready(self) -> None:
        """Raise DataError when its rows cannot be read here as things are."""
        return

    def evidence(self) -> JsonValue:
        """The digest of the files read, so that other content is another artifact."""
        return None

    def audit(self) -> dict[str, JsonValue]:
        """What a look at the whole of its files found, for the numbers of the stage."""
        return {}

    def yields(self) -> str:
        """The kind of row; overridden where a setting decides."""
        return self.makes

    def most(self) -> int | None:
        """The most rows that its settings allow."""
        return None

    def expects(self) -> Flow:
        """About how many rows it gives and how long they are, from a look at the first of them."""
        return Flow(None)
