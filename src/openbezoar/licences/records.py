"""What a look at the licences behind an artifact finds."""

from typing import Literal

from openbezoar.records import Record

__all__ = ["LicenceVerdict", "Origin"]


class Origin(Record):
    """Something that an artifact was made from, and its licence."""

    role: Literal["source", "wording", "teacher", "judge", "base"]
    """A source of rows; words of others in them; what wrote, graded or was trained."""
    name: str
    """The stage of a source, or the recipe's name of a model."""
    what: str
    """The data set or model, as others know it."""
    address: str = ""
    """Where it was published."""
    licence: str = ""
    """As it was stated, several with commas between; empty where nobody states one."""
    stated_by: str = ""
    """Where it is stated."""
    provider: str = ""
    """Who sells the model's answers, where the terms of that are known."""
    stranger: str = ""
    """The address of whoever sells them, where the terms of that are not known."""
    rows: int | None = None
    """The artifact's rows that came from it; None for a base model, which every row is put into."""


class LicenceVerdict(Record):
    """Under which licence an artifact can be passed on, and why, or what stands in the way."""

    spdx: str | None
    """An SPDX expression, such as `CC-BY-SA-3.0`; None where something stands in the way."""
    reasons: tuple[str, ...]
    """What the identifier follows from."""
    conflicts: tuple[str, ...] = ()
    """Terms that cannot be kept together, or not while publishing."""
    unknown: tuple[str, ...] = ()
    """What has no licence that is known here, and how to state one."""
    attributions: tuple[str, ...] = ()
    """Who is to be named, a line for each."""
    origins: tuple[Origin, ...] = ()
    """All that it was made from."""
    licences: dict[str, int] = {}
    """How many rows bear each licence; a row may bear several."""

    @property
    def publishable(self) -> bool:
        """Whether it can be passed on as it is."""
        return self.spdx is not None and not self.conflicts and not self.unknown
