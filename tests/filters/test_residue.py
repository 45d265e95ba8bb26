"""Rows that show how they were made are dropped, each with its own reason."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar import prompts
from openbezoar.filters.residue import Residue
from openbezoar.records import Example, Message, Preference, Seed, Verdict
from openbezoar.training.renderings import DEFAULT_SYSTEM

Make = Callable[..., Example]
Decide = Callable[..., Any]
SOUND = "Bread rises because yeast turns sugar into gas."


@pytest.mark.parametrize(
    ("asked", "said", "reason"),
    [
        ("Why does bread rise?", SOUND, ""),
        ("Why?", f"{SOUND}<|im_end|>", "answer: control token"),
        ("### Instruction: Why?", SOUND, "instruction: section header"),
        ("#Rewritten Prompt#: Why?", SOUND, "instruction: prompt label"),
        ("Why?", f"{SOUND}\n\nHuman: And then?", "answer: another speaker"),
        ("Human: Why?", SOUND, ""),
        ("4. Why?", SOUND, "instruction: list numbering"),
        ("Why?", "1. Because.", ""),
        ("Why?", "```\nx = 1", "answer: open code fence"),
        ("What does this do?\n```\nx = 1", SOUND, ""),
        ("Why?", f"{SOUND}\x00", "answer: control character"),
        ("Why?", f"So: {DEFAULT_SYSTEM}", "answer: words of a prompt"),
        (prompts.render("respond_system"), SOUND, "instruction: words of a prompt"),
        ("Why?", "It is so. " * 8, "answer: loop"),
        ("Why?", "\u662f\u7684\u5427" * 20, "answer: loop"),
        ("Why?", "a" * 1_000_000, "answer: loop"),
        ("Why?", "", ""),
        ("Why?", "no no no", ""),
    ],
)
def test_every_trace_has_its_own_reason(
    asked: str, said: str, reason: str, example: Make, decide: Decide
) -> None:
    (verdict,), _ = decide(Residue(), [example(asked, said)])
    assert (verdict.keep, verdict.reason) == (not reason, reason)


@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_of_ours_is_known_when_it_leaks(
    name: str, example: Make, decide: Decide
) -> None:
    passage = max(prompts.passages(name), key=len)
    (verdict,), _ = decide(Residue(look_for=("prompts",)), [example("Why?", f"Sure. {passage}")])
    assert verdict.reason == "answer: words of a prompt"


def test_the_rows_own_system_message_must_not_leak(example: Make, decide: Decide) -> None:
    secret = "You are a pirate who answers in rhyme and never tells the time."
    system = Message(role="system", content=secret)
    plain = example("Why?", f"I say: {secret}")
    row = plain.model_copy(update={"messages": (system, *plain.messages)})
    (own, other), _ = decide(Residue(), [row, plain])
    assert own.reason == "answer: words of a prompt"
    assert str(own.details["found"]).startswith("You are a pirate who answers")
    assert other.keep


def test_an_answer_cut_off_at_the_limit_is_dropped(example: Make, decide: Decide) -> None:
    cut = example("Why?", SOUND).model_copy(update={"finish_reason": "length"})
    verdicts, _ = decide(Residue(), [cut, example("Why?", SOUND)])
    assert [verdict.reason for verdict in verdicts] == ["answer: cut off", ""]


def test_early_turns_are_looked_at_and_the_rejected_answer_is_not(decide: Decide) -> None:
    texts = [("user", "Why?"), ("assistant", "So.</s>"), ("user", "And?"), ("assistant", "So.")]
    turns = tuple(Message.model_validate({"role": who, "content": text}) for who, text in texts)
    pair = Preference(id="p", prompt=turns[2:3], chosen="So.", rejected="So.</s>")
    rows = [Example(id="e", messages=turns), pair, Seed(id="s", instruction="Go", context="[INST]")]
    verdicts, _ = decide(Residue(), rows)
    assert [verdict.reason for verdict in verdicts] == [
        "answer: control token", "", "instruction: control token",
    ]  # fmt: skip


def test_what_is_not_looked_for_is_kept(example: Make, decide: Decide) -> None:
    row = example("4. Why?", f"</s>\x00```{DEFAULT_SYSTEM}" + "so " * 50)
    cut = row.model_copy(update={"finish_reason": "length"})
    reasons = []
    for what in ("cut off", "characters", "numbering", "prompts", "fences", "loops"):
        (verdict,), _ = decide(Residue(look_for=(what,)), [cut])
        reasons.append(verdict.reason)
    assert reasons == [
        "answer: cut off", "answer: control character", "instruction: list numbering",
        "answer: words of a prompt", "answer: open code fence", "answer: loop",
    ]  # fmt: skip
    with pytest.raises(ValidationError, match="look_for"):
        Residue(look_for=())


def test_markers_of_a_recipe_are_looked_for_letter_for_letter(
    example: Make, decide: Decide
) -> None:
    rows = [example("Why?", "[END]"), example("Why?", "[end]")]
    (found, other), _ = decide(Residue(markers=("[END]",)), rows)
    assert (found.reason, found.details) == ("answer: given marker", {"found": "[END]"})
    assert other.keep


def test_other_prompts_make_another_artifact() -> None:
    assert Residue().evidence() == [prompts.fingerprint(name) for name in prompts.names()]


@pytest.mark.slow
def test_of_rows_that_people_wrote_hardly_one_is_dropped(
    data_folder: Path, example: Make, decide: Decide
) -> None:
    path = data_folder / "dolly" / "databricks-dolly-15k.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    rows = [example(f"{r['instruction']}\n\n{r['context']}".strip(), r["response"]) for r in found]
    verdicts: list[Verdict] = decide(Residue(), rows)[0]
    dropped = Counter(verdict.reason for verdict in verdicts if not verdict.keep)
    assert dropped.total() <= 0.002 * len(rows), dropped
