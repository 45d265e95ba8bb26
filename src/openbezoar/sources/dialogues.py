"""Reads pairs of HH-RLHF dialogues, and says everything that is the matter with each."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import pairwise, takewhile
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.records import Message

__all__ = ["FAULTS", "FLAGS", "MARK", "Dialogue", "Pair", "audit", "read_dialogue", "read_pairs"]

MARK = "\n\nAssistant:"
"""What an answer begins with; the last one of a dialogue is the answer that is compared."""
SHARED = 10
"""Opening characters, the space after the mark included, that two answers may have in common."""
NEAR = 0.8
"""The likeness of two answers' words, case aside, from which they say nearly the same."""

_DOUBLED, _EMPTY, _UNEQUAL = "same role twice in a row", "empty answer", "unequal prompts"
_SIDED = (
    "no answer by the assistant",
    "text before the first turn",
    "a human turn after the last answer",
    _DOUBLED,
    "the first turn is not the human's",
    "empty turn",
    _EMPTY,
)
FAULTS = ("chosen or rejected is not a text", *_SIDED, _UNEQUAL, "identical answers", "duplicate")
"""Why a pair is rejected; of several, the first of this list is the reason that is counted."""
FLAGS = ("near-identical answers", "same opening of both answers", "prompt of an earlier pair")
"""What is noted of a pair that is kept."""

_SEVERAL = "several turns of the assistant"
_TURN = re.compile(r"\n\n(Human|Assistant):")
_ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}
_SIDES = ("chosen", "rejected")


class Dialogue(NamedTuple):
    """One side of a pair: the turns before the last answer, that answer, and what is wrong."""

    prompt: tuple[Message, ...]
    answer: str
    faults: tuple[str, ...]


class Pair(NamedTuple):
    """Two dialogues of which people chose the first."""

    chosen: Dialogue
    rejected: Dialogue
    faults: tuple[str, ...]
    """Each of FAULTS that bears on the pair, in that order."""
    flags: tuple[str, ...]
    """Each of FLAGS that does."""


def read_dialogue(text: str) -> Dialogue:
    """Cut a dialogue at its last `Assistant:`, with everything that is wrong with it.

    The last and not the first: in harmless-base/test the two differ for 1,650 of 2,312 rows.
    """
    head, mark, answer = text.rpartition(MARK) if MARK in text else (text, "", "")
    before, *parts = _TURN.split(head)
    turns = [
        (_ROLES[name], content.strip())
        for name, content in zip(parts[::2], parts[1::2], strict=True)
    ]
    roles = [*(role for role, _ in turns), "assistant"]
    wrong = (
        not mark,
        bool(before.strip()),
        bool(_TURN.search(answer)),
        any(role == later for role, later in pairwise(roles)),
        roles[0] != "user",
        not all(content for _, content in turns),
        bool(mark) and not answer.strip(),
    )
    prompt = tuple(Message(role=role, content=content) for role, content in turns)
    faults = tuple(fault for fault, is_wrong in zip(_SIDED, wrong, strict=True) if is_wrong)
    return Dialogue(prompt, answer.strip(), faults)


def read_pairs(raws: Iterable[dict[str, Any]]) -> Iterator[Pair]:
    """Every raw row in order, with what is wrong with it and with it beside the earlier ones."""
    prompts: set[bytes] = set()
    pairs: set[bytes] = set()
    for raw in raws:
        if not all(isinstance(raw.get(side), str) for side in _SIDES):
            nothing = Dialogue((), "", ())
            yield Pair(nothing, nothing, FAULTS[:1], ())
            continue
        # the texts themselves would fill the memory that the rows need
        prompt = _print(raw["chosen"].rpartition(MARK)[0])
        both = _print(raw["chosen"]) + _print(raw["rejected"])
        yield _pair(raw["chosen"], raw["rejected"], both in pairs, prompt in prompts)
        prompts.add(prompt)
        pairs.add(both)


def audit(pairs: Iterable[Pair]) -> dict[str, JsonValue]:
    """How many pairs each fault and flag bears on, zeros included; a pair may have several.

    A fault of one side is counted for that side too, as `empty answer, chosen`.
    """
    counts: Counter[str] = Counter()
    for pair in pairs:
        usable = "unusable" if pair.faults else "usable"
        several = (_SEVERAL,) if _has_several_answers(pair.chosen) else ()
        counts.update(("pairs", usable, *several, *pair.faults, *_by_side(pair), *pair.flags))
    always = ("pairs", "usable", "unusable", _SEVERAL, *FAULTS, *FLAGS)
    return {name: counts[name] for name in (*always, *sorted(counts.keys() - {*always}))}


def _pair(chosen_text: str, rejected_text: str, is_duplicate: bool, is_known: bool) -> Pair:
    chosen, rejected = read_dialogue(chosen_text), read_dialogue(rejected_text)
    wrong = {
        _UNEQUAL: chosen.prompt != rejected.prompt,
        "identical answers": chosen.answer == rejected.answer,
        "duplicate": is_duplicate,
    }
    found = {*chosen.faults, *rejected.faults, *(name for name, is_so in wrong.items() if is_so)}
    answers = [text.rpartition(MARK)[2] for text in (chosen_text, rejected_text)]
    letters = zip(*answers, strict=False)
    opening = sum(1 for _ in takewhile(lambda both: both[0] == both[1], letters))
    noted = (_are_near(chosen.answer, rejected.answer), opening > SHARED, is_known)
    return Pair(
        chosen,
        rejected,
        tuple(fault for fault in FAULTS if fault in found),
        tuple(flag for flag, is_so in zip(FLAGS, noted, strict=True) if is_so),
    )


def _are_near(chosen: str, rejected: str) -> bool:
    words = chosen.casefold().split(), rejected.casefold().split()
    matcher = SequenceMatcher(None, *words, autojunk=False)
    # the first two are upper bounds, and cheap
    likeness = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return chosen != rejected and all(measure() >= NEAR for measure in likeness)


def _by_side(pair: Pair) -> Iterator[str]:
    for side, dialogue in zip(_SIDES, pair[:2], strict=True):
        yield from (f"{fault}, {side}" for fault in dialogue.faults)


def _has_several_answers(dialogue: Dialogue) -> bool:
    return any(message.role == "assistant" for message in dialogue.prompt)


def _print(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
