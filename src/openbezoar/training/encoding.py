"""Rows of a data set as token sequences, with what was left out or cut counted by reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from openbezoar.errors import ParseError
from openbezoar.families import Objective
from openbezoar.records import ROWS, Row
from openbezoar.store import Artifact
from openbezoar.training.format import Encoded, Format

__all__ = ["PARTS", "EncodedRows", "encode_data", "encode_rows"]

PARTS = ("train", "valid")
FIRST = 1000


@dataclass
class EncodedRows:
    """What an objective makes of rows; `ids[i]` is the id of the row that gave `rows[i]`."""

    rows: list[tuple[Encoded, ...]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """How many rows cannot be learned, by reason."""
    first: list[Row] = field(default_factory=list)
    """The first thousand of those that can, as they were."""

    @property
    def cut(self) -> dict[str, int]:
        """Of how many rows the prompt was shortened to make them fit, and of how many an answer."""
        return {
            what: sum(any(what in sequence.cut for sequence in row) for row in self.rows)
            for what in ("prompt", "answer")
        }

    @property
    def tokens(self) -> int:
        """All tokens."""
        return sum(len(sequence.ids) for row in self.rows for sequence in row)

    @property
    def answer_tokens(self) -> int:
        """The tokens that are learned."""
        return sum(sequence.answer_tokens for row in self.rows for sequence in row)


def encode_data(
    data: Artifact, objective: Objective, format_: Format, limit: int
) -> dict[str, EncodedRows]:
    """Encode both parts of a data set."""
    record = ROWS[data.manifest.makes.removesuffix(" data set")]
    return {
        part: encode_rows(data.rows(record, f"{part}.jsonl"), objective, format_, limit)
        for part in PARTS
    }


def encode_rows(
    rows: Iterable[Row], objective: Objective, format_: Format, limit: int
) -> EncodedRows:
    """Encode the rows in order; those the objective refuses are counted with its reason."""
    found = EncodedRows()
    for row in rows:
        try:
            found.rows.append(objective.encode(row, format_, limit))
        except ParseError as error:
            found.left_out[error.reason] += 1
            continue
        found.ids.append(row.id)
        if len(found.first) < FIRST:
            found.first.append(row)
    return found
