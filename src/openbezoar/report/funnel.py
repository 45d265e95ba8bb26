"""The way of the rows: what was asked for, made, lost and kept from a source to its last filter."""

from typing import NamedTuple

from openbezoar.report.contents import Contents, Made
from openbezoar.report.numbers import FilterNumbers, GenerateNumbers, SourceNumbers

__all__ = ["KINDS", "Part", "Step", "chains"]

KINDS = ("source", "generate", "filter")
"""The stages whose rows are counted."""


class Part(NamedTuple):
    """What one filter of a stage kept, or one step of a scheme brought."""

    name: str
    kept: int
    dropped: int
    words: tuple[str, str] = ("kept", "rejected")


class Step(NamedTuple):
    """One stage of a funnel."""

    name: str
    kind: str
    given: int
    """Rows read, or seeds asked."""
    kept: int
    """Rows kept, or made."""
    lost: dict[str, int]
    """Rows rejected, or failed, by reason; the most frequent first."""
    parts: tuple[Part, ...] = ()
    """In order: what each of several filters kept; answers that were read, then those made rows."""
    generated: GenerateNumbers | None = None
    """What else a stage that generates counts."""

    @property
    def dropped(self) -> int:
        """How many rows were lost."""
        return sum(self.lost.values())

    @property
    def balance(self) -> bool:
        """Whether every row read is accounted for; a scheme may make many rows of one seed."""
        return self.kind == "generate" or self.kept + self.dropped == self.given


def chains(contents: Contents) -> list[list[Step]]:
    """One funnel for every stage of rows that no later one reads, from its source on."""
    stages = [made for made in contents.latest if made.kind in KINDS]
    read = {used for made in stages for used in made.inputs.values()}
    ends = [made for made in stages if made.fingerprint not in read]
    return [[_step(made) for made in _line(contents, end)] for end in ends]


def _line(contents: Contents, end: Made) -> list[Made]:
    line = [end]
    while feeding := contents.inputs(line[0], *KINDS):
        if feeding[0] in line:
            break
        line.insert(0, feeding[0])
    return line


def _step(made: Made) -> Step:
    numbers = made.numbers
    if isinstance(numbers, GenerateNumbers):
        return _asked(made, numbers)
    assert isinstance(numbers, SourceNumbers | FilterNumbers)  # noqa: S101 - as KINDS says
    filters = numbers.filters if isinstance(numbers, FilterNumbers) else ()
    parts = tuple(Part(one.filter, one.kept, one.read - one.kept) for one in filters)
    several = parts if len(parts) > 1 else ()
    return Step(
        made.name, made.kind, numbers.read, numbers.rows, _ranked(numbers.rejected), several
    )


def _asked(made: Made, numbers: GenerateNumbers) -> Step:
    eliminated, failed = sum(numbers.eliminated.values()), sum(numbers.failed.values())
    parts = (
        Part("answers", numbers.rows + eliminated, failed - eliminated, ("read", "unusable")),
        Part("rules of the scheme", numbers.rows, eliminated, ("passed", "eliminated")),
    )
    return Step(
        made.name, made.kind, numbers.seeds, numbers.rows, _ranked(numbers.failed),
        parts if eliminated else (), numbers,
    )  # fmt: skip


def _ranked(reasons: dict[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))
