"""The mix stage: rows of several stages become one data set, to train on and to validate."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, PositiveInt

from openbezoar import jsonl
from openbezoar.errors import DataError
from openbezoar.families import Bench, Numbers, Stage, expect, random_for
from openbezoar.records import ROWS, Example, Preference, Row
from openbezoar.store import Artifact

__all__ = ["MixStage"]


class MixStage(Stage):
    """Joins rows, orders them by chance and sets some aside; no prompt is on both sides.

    No id is there twice: of different rows that share one, each is called `STAGE/ID`, and a row
    that comes from several stages is taken once.
    """

    kind: Literal["mix"] = "mix"
    rows: tuple[str, ...] = Field(min_length=1)
    """The stages whose rows are joined: all examples or all preferences."""
    limit: PositiveInt | None = None
    """Take at most this many rows from each, by chance."""
    validation: float = Field(default=0.1, ge=0, lt=1)
    """The share of prompts set aside for validation; 0.2 in the paper authors' script."""
    split_by: Literal["prompt", "opening"] = "prompt"
    """What is never on both sides: a prompt, or the first turn of a prompt. In HH-RLHF a prompt and
    an answer to it often stand, as past turns, in the longer prompt of another pair."""

    def reads(self) -> tuple[str, ...]:
        """The stages joined."""
        return self.rows

    def makes(self, kinds: Mapping[str, str]) -> str:
        """A data set of what the first stage holds."""
        held = [expect(name, kinds, "examples", "preferences") for name in self.rows]
        for name in self.rows:
            expect(name, kinds, held[0])
        return f"{held[0]} data set"

    def make(self, bench: Bench) -> Numbers:
        """Write `train.jsonl` and `valid.jsonl`."""
        stream = random_for(bench.seed, bench.stage)
        held = {name: _rows(bench.inputs[name]) for name in self.rows}
        chosen: list[tuple[str, Row]] = []
        for name in self.rows:
            rows = list(held[name])
            stream.shuffle(rows)
            chosen += [(name, row) for row in rows[: self.limit]]
        chosen, shared = _told_apart(chosen, _namesakes(held), bench)
        stream.shuffle(chosen)
        held_out = self._held_out([row for _, row in chosen])
        parts: dict[str, list[Row]] = {"train": [], "valid": []}
        counts: Counter[str] = Counter()
        for name, row in chosen:
            part = "valid" if self._kin(row) in held_out else "train"
            parts[part].append(row)
            counts[f"{name}.{part}"] += 1
        if not parts["train"]:
            raise DataError(f"stage {bench.stage}: no row is left to train on; lower `validation`")
        for part, rows in parts.items():
            jsonl.write(bench.folder / f"{part}.jsonl", rows)
        return {
            "train": len(parts["train"]),
            "valid": len(parts["valid"]),
            "by_origin": dict(sorted(counts.items())),
            "licences": [*sorted({licence for _, row in chosen for licence in row.licences})],
            **shared,
        }

    def _held_out(self, rows: Sequence[Row]) -> set[str]:
        """The prompts of the validation part: those whose digests come first."""
        prompts = sorted({self._kin(row) for row in rows}, key=_digest)
        count = round(self.validation * len(prompts))
        return set(prompts[: max(count, 1) if self.validation else 0])

    def _kin(self, row: Row) -> str:
        """What the row shares with all that must be on its side."""
        turns = row.messages[:-1] if isinstance(row, Example) else ()
        if isinstance(row, Preference):
            turns = row.prompt
        texts = [turn.content for turn in turns if turn.role != "system"]
        return "\n\n".join(texts[:1] if self.split_by == "opening" else texts)


def _rows(artifact: Artifact) -> list[Row]:
    return list(artifact.rows(ROWS[artifact.manifest.makes]))


def _namesakes(held: Mapping[str, Sequence[Row]]) -> set[str]:
    """The ids that stand for different rows in different stages, chosen or not."""
    first: dict[str, Row] = {}
    every = (row for rows in held.values() for row in rows)
    return {row.id for row in every if not _is_same(row, first.setdefault(row.id, row))}


def _is_same(row: Row, other: Row) -> bool:
    """Whether two rows are one, whatever filters said of it on its ways."""
    return row is other or _plain(row) == _plain(other)


def _plain(row: Row) -> Row:
    return row.model_copy(update={"verdicts": ()}) if isinstance(row, Example) else row


def _told_apart(
    chosen: Sequence[tuple[str, Row]], namesakes: set[str], bench: Bench
) -> tuple[list[tuple[str, Row]], Numbers]:
    """The rows with each id once, and what was done for that, which is nothing as a rule."""
    taken: dict[str, tuple[str, Row]] = {}
    renamed, again = 0, 0
    for name, row in chosen:
        id_ = f"{name}/{row.id}" if row.id in namesakes else row.id
        if id_ not in taken:
            taken[id_] = name, row if id_ == row.id else row.model_copy(update={"id": id_})
            renamed += id_ != row.id
        elif _is_same(row, taken[id_][1].model_copy(update={"id": row.id})):
            again += 1
        else:
            raise DataError(f"stage {bench.stage}: two rows would have the id {id_!r}; rename one")
    if renamed:
        bench.say(f"warning: {renamed} rows share their id with another row; here each is STAGE/ID")
    if again:
        bench.say(f"warning: {again} rows came from more than one stage and are taken once")
    counts: Numbers = {"renamed": renamed, "taken_once": again}
    return [*taken.values()], {name: count for name, count in counts.items() if count}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
