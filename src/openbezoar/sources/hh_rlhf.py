"""Anthropic's HH-RLHF: pairs of dialogues, the one that people chose and the one they rejected."""

from collections.abc import Iterator
from itertools import tee
from typing import Any, Literal

from pydantic import JsonValue

from openbezoar import catalog, jsonl
from openbezoar.records import Preference
from openbezoar.sources.choice import Chosen, Found, rejected, row_id
from openbezoar.sources.dialogues import Pair, audit, read_pairs

__all__ = ["HhRlhfSource", "Subset"]

Subset = Literal["harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled"]

_LICENCE = "MIT"


class HhRlhfSource(Chosen):
    """Preference pairs of HH-RLHF; the text offends, and is meant for preference training.

    Every pair is examined: one that cannot be used is rejected with its reason, one that is only
    odd is kept with its `flags`. The numbers of the stage hold the whole table for each file.
    """

    kind: Literal["hh_rlhf"] = "hh_rlhf"
    makes = "preferences"

    subsets: tuple[Subset, ...] = ("harmless-base", "helpful-base")
    """The parts of the collection, read one after the other; all four in the order of their names
    and `limit: 100000` are the first 100,000 examples, read literally."""
    splits: tuple[Literal["train", "test"], ...] = ("train",)
    """The published splits of each part."""
    per_subset: int | None = None
    """At most so many pairs of each part."""

    def evidence(self) -> JsonValue:
        """The sha256 of every file."""
        return {file: catalog.evidence("hh-rlhf", file) for file in self._files()}

    def read(self) -> Iterator[Found]:
        """Every pair, cut at the last turn of the assistant; what cannot be used has a reason."""
        for file in self._files():
            subset = file.partition("/")[0]
            for number, raw, pair in _examined(file):
                yield _row(number, raw, pair, file, subset)

    def audit(self) -> dict[str, JsonValue]:
        """For each file, whole, how many of its pairs have each fault and each oddity."""
        return {file: audit(pair for _, _, pair in _examined(file)) for file in self._files()}

    def group(self, row: Any) -> str:
        """The part of the collection."""
        return str(row.subset)

    def per_group(self) -> int | None:
        """The pairs of each part."""
        return self.per_subset

    def most(self) -> int | None:
        """The limit, or what the parts may give."""
        by_subset = self.per_subset and self.per_subset * len(self.subsets)
        return min(filter(None, (self.limit, by_subset)), default=None)

    def _files(self) -> list[str]:
        return [f"{subset}/{split}.jsonl.gz" for subset in self.subsets for split in self.splits]


def _examined(file: str) -> Iterator[tuple[int, dict[str, Any], Pair]]:
    lines, same = tee(jsonl.read_objects(catalog.find("hh-rlhf", file)))
    pairs = read_pairs(raw for _, raw in same)
    for (number, raw), pair in zip(lines, pairs, strict=True):
        yield number, raw, pair


def _row(number: int, raw: dict[str, Any], pair: Pair, file: str, subset: str) -> Found:
    if pair.faults:
        reason, *further = pair.faults
        found = raw | {"further_faults": further} if further else raw
        return rejected(reason, found, f"{file}:{number}")
    return Preference(
        id=row_id("hh", {"chosen": raw["chosen"], "rejected": raw["rejected"]}),
        origin="hh_rlhf",
        licences=(_LICENCE,),
        prompt=pair.chosen.prompt,
        chosen=pair.chosen.answer,
        rejected=pair.rejected.answer,
        subset=subset,
        details={"flags": [*pair.flags]} if pair.flags else {},
    )
