"""Anthropic's HH-RLHF: pairs of dialogues, the one that people chose and the one they rejected."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from openbezoar import catalog, jsonl
from openbezoar.records import Message, Preference
from openbezoar.sources.choice import Chosen, Found, rejected, row_id

__all__ = ["Dialogue", "HhRlhfSource", "Subset", "read_dialogue"]

Subset = Literal["harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled"]

_LICENCE = "MIT"
_TURN = re.compile(r"\n\n(Human|Assistant):")
_LAST = "\n\nAssistant:"
_ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}


class HhRlhfSource(Chosen):
    """Preference pairs of HH-RLHF; the text offends, and is meant for preference training."""

    kind: Literal["hh_rlhf"] = "hh_rlhf"
    makes = "preferences"

    subsets: tuple[Subset, ...] = ("harmless-base", "helpful-base")
    """The parts of the collection, read one after the other."""
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
            for number, raw in jsonl.read_objects(catalog.find("hh-rlhf", file)):
                pair = _pair(raw, subset)
                yield rejected(pair, raw, f"{file}:{number}") if isinstance(pair, str) else pair

    def group(self, row: Any) -> str:
        """The part of the collection."""
        return str(row.subset)

    def per_group(self) -> int | None:
        """The pairs of each part."""
        return self.per_subset

    def _files(self) -> list[str]:
        return [f"{subset}/{split}.jsonl.gz" for subset in self.subsets for split in self.splits]


class Dialogue(NamedTuple):
    """One side of a pair: the turns before the last answer, and that answer."""

    prompt: tuple[Message, ...]
    answer: str


def read_dialogue(text: str) -> Dialogue | str:
    """Cut a dialogue at its last `Assistant:`; the reason, when it is not one we can learn from.

    The last and not the first: in harmless-base/test the two differ for 1,650 of 2,312 rows.
    """
    head, mark, answer = text.rpartition(_LAST)
    if not mark:
        return "no answer by the assistant"
    before, *parts = _TURN.split(head)
    if before.strip():
        return "text before the first turn"
    if _TURN.search(answer):
        return "a human turn after the last answer"
    if not answer.strip():
        return "empty answer"
    return _alternating(parts, answer)


def _alternating(parts: list[str], answer: str) -> Dialogue | str:
    prompt = tuple(
        Message(role=_ROLES[name], content=content.strip())
        for name, content in zip(parts[::2], parts[1::2], strict=True)
    )
    roles = [*(message.role for message in prompt), "assistant"]
    if any(role == later for role, later in pairwise(roles)):
        return "same role twice in a row"
    if roles[0] != "user":
        return "the first turn is not the human's"
    if not all(message.content for message in prompt):
        return "empty turn"
    return Dialogue(prompt, answer.strip())


def _pair(raw: dict[str, Any], subset: str) -> Preference | str:
    if not all(isinstance(raw.get(side), str) for side in ("chosen", "rejected")):
        return "chosen or rejected is not a text"
    chosen, rejected = read_dialogue(raw["chosen"]), read_dialogue(raw["rejected"])
    if isinstance(chosen, str) or isinstance(rejected, str):
        return next(side for side in (chosen, rejected) if isinstance(side, str))
    if chosen.prompt != rejected.prompt:
        return "unequal prompts"
    if chosen.answer == rejected.answer:
        return "identical answers"
    return Preference(
        id=row_id("hh", {"chosen": raw["chosen"], "rejected": raw["rejected"]}),
        origin="hh_rlhf",
        licences=(_LICENCE,),
        prompt=chosen.prompt,
        chosen=chosen.answer,
        rejected=rejected.answer,
        subset=subset,
    )
