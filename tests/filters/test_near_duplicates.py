"""A row is dropped when it says nearly what a kept one says, and names it."""

import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.filters.near_duplicates import Layout, NearDuplicates, layout
from openbezoar.records import Example, Message, Preference, Seed

Make = Callable[..., Example]
Decide = Callable[..., Any]

LONG = (
    "The harbour lay quiet under a thin fog while the fishermen mended their nets and spoke of "
    "the storm that had kept every boat ashore for a week and emptied the market of fish."
)


def kept(verdicts: list[Any]) -> list[bool]:
    return [verdict.keep for verdict in verdicts]


@pytest.mark.parametrize(
    "other",
    [
        LONG.upper(),
        LONG.replace(" ", "  \n"),
        LONG.replace(" while", ", while").replace(".", "!?"),
        LONG.replace("thin fog", "grey fog"),
        LONG.replace("a week", "a week \u2014 \u201cseven days\u201d \u2014"),
    ],
)
def test_a_row_that_says_nearly_the_same_is_dropped(
    other: str, example: Make, decide: Decide
) -> None:
    verdicts, _ = decide(NearDuplicates(), [example("Go on.", LONG), example("Go on.", other)])
    assert kept(verdicts) == [True, False]


def test_the_verdict_names_the_row_that_is_repeated_and_how_near_it_is(
    example: Make, decide: Decide
) -> None:
    """8 words make 6 shingles; one more at the end makes 7, of which 6 are shared."""
    texts = ["one two three four five six seven", "one two three four five six seven eight"]
    rows = [example("Count:", text, id) for id, text in zip("ab", texts, strict=True)]
    verdicts, numbers = decide(NearDuplicates(), rows)
    assert verdicts[1].reason == "near duplicate"
    assert verdicts[1].details == {"repeats": "a", "similarity": round(6 / 7, 4)}
    assert numbers["near_duplicates"] == {"compared": 1, "crowded": 0}


@pytest.mark.parametrize("together", [1, 2, 5])
def test_rows_looked_at_together_get_the_verdicts_they_would_get_alone(
    together: int, example: Make, decide: Decide
) -> None:
    texts = [LONG, "", LONG.upper(), "two words", "Two words!", LONG.replace("thin", "grey")]
    rows = [example("Go on." if text else "?", text, f"{at}") for at, text in enumerate(texts)]
    assert decide(NearDuplicates(), rows, together=together) == decide(NearDuplicates(), rows)


def test_the_nearest_of_several_rows_is_named(example: Make, decide: Decide) -> None:
    near = LONG.replace("thin fog", "grey fog").replace("a week", "one week")
    rows = [
        example("Q", near, "near"),
        example("Q", LONG, "nearest"),
        example("Q", LONG + " Yes.", "x"),
    ]
    verdicts, _ = decide(NearDuplicates(threshold=0.9), rows)
    assert kept(verdicts) == [True, True, False]
    assert verdicts[2].details["repeats"] == "nearest"


def test_a_dropped_row_drops_no_other(example: Make, decide: Decide) -> None:
    """Each of the three differs by one word more; the last is near the dropped one only."""
    words = " ".join(f"word{place}" for place in range(22))
    texts = [words, f"{words} x1 x2 x3", f"{words} x1 x2 x3 x4 x5 x6"]
    rows = [example("", text, str(place)) for place, text in enumerate(texts)]
    verdicts, _ = decide(NearDuplicates(), rows)
    assert kept(verdicts) == [True, False, True]
    without_the_first, _ = decide(NearDuplicates(), rows[1:])
    assert kept(without_the_first) == [True, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 20 - 4?", "What is 20 / 4?"),
        ("Is a cat a dog?", "Is a dog a cat?"),
        ("Name three fruits.", "Name three metals."),
        ("猫は何を食べますか", "犬は何を飲みますか"),
    ],
)
def test_short_questions_that_differ_stay(
    one: str, other: str, example: Make, decide: Decide
) -> None:
    verdicts, _ = decide(NearDuplicates(of="instruction"), [example(one, "x"), example(other, "x")])
    assert kept(verdicts) == [True, True]


def test_text_without_spaces_between_words_is_compared_by_character(
    example: Make, decide: Decide
) -> None:
    text = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    rows = [example("Q", text), example("Q", text.replace("。", "、") + "が")]
    assert kept(decide(NearDuplicates(), rows)[0]) == [True, False]


def test_another_answer_saves_a_row_only_when_answers_count(example: Make, decide: Decide) -> None:
    rows = [example(LONG, "One short answer."), example(LONG, " ".join(reversed(LONG.split())))]
    assert kept(decide(NearDuplicates(), rows)[0]) == [True, True]
    assert kept(decide(NearDuplicates(of="instruction"), rows)[0]) == [True, False]


def test_seeds_and_preferences_are_compared_too(decide: Decide) -> None:
    asked = (Message(role="user", content="Tell me a story."),)
    seeds = [Seed(id=str(place), instruction="Sum up.", context=LONG) for place in range(2)]
    pairs = [
        Preference(id=str(place), prompt=asked, chosen=LONG, rejected=str(place))
        for place in range(2)
    ]
    assert kept(decide(NearDuplicates(), seeds)[0]) == [True, False]
    assert kept(decide(NearDuplicates(), pairs)[0]) == [True, False]


def test_a_row_without_words_is_kept(example: Make, decide: Decide) -> None:
    rows = [example(text, "\x00") for text in ("", "", "?!", "\U0001f600", "\t\x07")]
    assert all(kept(decide(NearDuplicates(), rows)[0]))


def test_a_row_shorter_than_a_shingle_repeats_its_like(example: Make, decide: Decide) -> None:
    rows = [example("Yes", ""), example("yes!", ""), example("No", ""), example("\ud800", "")]
    assert kept(decide(NearDuplicates(), rows)[0]) == [True, False, True, True]


def test_a_megabyte_is_compared_like_any_text(example: Make, decide: Decide) -> None:
    stream = random.Random(1)
    text = " ".join(str(stream.randrange(10**6)) for _ in range(150_000))
    rows = [example("Q", text, "long"), example("Q", text[:-1000], "cut"), example("Q", LONG)]
    verdicts, _ = decide(NearDuplicates(), rows)
    assert kept(verdicts) == [True, False, True]
    assert verdicts[1].details["similarity"] > 0.99


def test_the_same_rows_give_the_same_verdicts(example: Make, decide: Decide) -> None:
    stream = random.Random(1)
    words = [f"w{place}" for place in range(12)]
    rows = [example("Q", " ".join(stream.choices(words, k=9)), str(n)) for n in range(300)]
    part = NearDuplicates(shingle=1, threshold=0.6)
    first, second = decide(part, rows), decide(part, rows)
    assert first == second
    assert 20 < sum(kept(first[0])) < 280


@pytest.mark.parametrize("shingle", [1, 3])
def test_what_is_dropped_is_what_comparing_all_pairs_drops(
    shingle: int, example: Make, decide: Decide
) -> None:
    stream = random.Random(2)
    texts = [stream.choices([f"w{place}" for place in range(400)], k=40) for _ in range(60)]
    texts += [[word for word in text if stream.random() < 0.97] for text in texts[:40]]
    firsts: list[set[tuple[str, ...]]] = []
    expected = []
    for text in texts:
        held = set(zip(*(text[place:] for place in range(shingle)), strict=False))
        near = any(len(held & other) >= 0.8 * len(held | other) for other in firsts)
        expected.append(not near)
        firsts += [] if near else [held]
    rows = [example(text[0], " ".join(text[1:])) for text in texts]
    verdicts, _ = decide(NearDuplicates(shingle=shingle), rows)
    assert kept(verdicts) == expected
    assert not all(expected)


@pytest.mark.parametrize(
    ("threshold", "permutations", "division"),
    [(0.8, 64, (12, 5)), (0.8, 128, (21, 6)), (0.5, 64, (32, 2)), (1.0, 64, (1, 64))],
)
def test_bands_are_as_wide_as_finding_99_in_100_allows(
    threshold: float, permutations: int, division: tuple[int, int]
) -> None:
    made = layout(threshold, permutations)
    assert made == Layout(*division)
    assert made.found(threshold) >= 0.99
    wider = Layout(permutations // (made.width + 1), made.width + 1)
    assert threshold == 1 or wider.found(threshold) < 0.99


@pytest.mark.parametrize(
    "settings", [{"threshold": 0.4}, {"threshold": 0.5, "permutations": 4}, {"shingle": 0}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NearDuplicates(**settings)


def test_too_few_permutations_for_a_threshold_say_so() -> None:
    with pytest.raises(ValueError, match="raise `permutations`"):
        layout(0.5, 6)


def test_what_is_not_installed_is_named_before_a_run() -> None:
    script = (
        "import importlib.util\n"
        "there = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'rensa' else there(name)\n"
        "from openbezoar.errors import ConfigError\n"
        "from openbezoar.filters.near_duplicates import NearDuplicates\n"
        "try: NearDuplicates().check_ready({})\n"
        "except ConfigError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "needs rensa: run `pip install 'openbezoar[filters]'`" in ran.stdout
