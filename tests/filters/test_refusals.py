"""Refusals are dropped with their kind, and answers that only sound alike are kept."""

from collections.abc import Callable

import pytest

from openbezoar.filters.refusals import Refusals
from openbezoar.records import Example, Seed

Make = Callable[..., Example]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I cannot help with that request.", "refusal"),
        ("I can't provide medical advice.", "refusal"),
        ("I can\u2019t answer this question.", "refusal"),
        ("Thank you for asking, but I am not able to access the internet.", "refusal"),
        ("I'm unable to complete this task.", "refusal"),
        ("We are closed. I am unable to assist.", "refusal"),
        ("I'm sorry, that is beyond me.", "apology"),
        ("I am really sorry.", "apology"),
        ("Sorry, but no.", "apology"),
        ("My apologies, this is unclear.", "apology"),
        ("I apologize for the confusion.", "apology"),
        ("Unfortunately, I have no data.", "apology"),
        ("As an AI language model, opinions are not for me.", "machine talk"),
        ("As a large language model trained by a lab, my knowledge ends.", "machine talk"),
        ("I'm just an AI, so take this with salt.", "machine talk"),
        ("  i AM a language model.", "machine talk"),
    ],
)
def test_a_refusal_is_dropped_with_its_kind(answer: str, reason: str, example: Make) -> None:
    verdict = Refusals().check(example("Why?", answer))
    assert (verdict.keep, verdict.reason) == (False, reason)


@pytest.mark.parametrize(
    "answer",
    [
        "Paris.",
        "",
        "Penguins cannot fly.",
        "I cannot recommend this book enough.",
        "I can help you with that.",
        "AI stands for artificial intelligence.",
        "As an artist, she painted daily.",
        "I'm sorry to hear that you are ill. Rest and drink water.",
        "I'm sorry you are in a bad mood. You can try going outside for a walk.",
        "I am so sorry for your loss. Here is a short eulogy.",
        "Apologies are best made early and in person.",
        "Unfortunately, the ship sank in 1912.",
        "Sorry is a board game.",
        "A chatbot is a program. " + "It talks to people. " * 10 + "I cannot help with that.",
    ],
)
def test_an_answer_that_only_sounds_alike_is_kept(answer: str, example: Make) -> None:
    assert Refusals().check(example("Why?", answer)).keep


def test_a_seed_has_nothing_to_refuse() -> None:
    assert Refusals().check(Seed(id="s", instruction="I cannot help you.")).keep


def test_a_refusal_is_found_behind_white_space_and_in_a_long_answer(example: Make) -> None:
    answer = "\n" * 5000 + "I\u00a0 cannot\n\thelp with that. " + "\x00\ud800 a" * 300_000
    assert Refusals().check(example("Why?", answer)).reason == "refusal"


def test_what_follows_the_opening_is_part_of_an_answer(example: Make) -> None:
    assert Refusals().check(example("Why?", "a " * 80 + "I cannot help you.")).keep
    assert not Refusals().check(example("Why?", "a " * 60 + "I cannot help you.")).keep
