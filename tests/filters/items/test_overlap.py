"""A text is found where its words stand in order, and nowhere else."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.filters.items.overlap import Hit, Index, Rule, Sought
from openbezoar.filters.items.words import words_of

RULE = Rule(ngram=4, boilerplate=10, score=0.65, short_score=0.85, short_words=16)
SHORT = "which planet keeps a storm older than the telescope"
LONG = (
    "a baker in the harbour town counts nineteen loaves before dawn and sells six of them to the "
    "crew of a lighter that leaves with the tide for the lighthouse on the northern reef"
)
words = st.lists(st.text("abcdefgh", min_size=1, max_size=3), max_size=30)


def sought(text: str, id: str = "1", stretch: int = 0) -> Sought:
    found = tuple(words_of(text))
    return Sought(found, stretch or len(found), (("task", id),))


def search(text: str, *texts: str, rule: Rule = RULE) -> list[Hit]:
    index = Index([sought(each, str(place)) for place, each in enumerate(texts)], rule)
    return index.search([text])[0]


@pytest.mark.parametrize("text", [SHORT, LONG])
@pytest.mark.parametrize(
    "row",
    ["{}", "Before it. {} And after it.", "{} {}", "a storm older than {} a storm older than the"],
)
def test_a_text_is_found_whole_wherever_it_stands(text: str, row: str) -> None:
    (hit,) = search(row.replace("{}", text.upper()), text)
    assert hit.score == pytest.approx(1)
    assert hit.span == text


@given(st.text(), words, words, st.integers(0, 1))
def test_a_text_pasted_into_any_other_is_found(
    any_text: str, before: list[str], after: list[str], which: int
) -> None:
    text = [SHORT, LONG][which]
    row = " ".join([any_text, *before, text, *after, any_text])
    assert [hit.sought.words for hit in search(row, SHORT, LONG)] == [tuple(text.split())]


@given(st.lists(st.sampled_from(LONG.split()), min_size=5, max_size=12), words, words)
def test_a_text_of_repeated_words_is_found_too(
    text: list[str], before: list[str], after: list[str]
) -> None:
    row = " ".join([*before, *text, *after])
    (hit,) = search(row, " ".join(text))
    assert hit.score == pytest.approx(1)


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: found[:9] + found[10:],
        lambda found: [*found[:12], "quietly", *found[13:]],
        lambda found: [*found[:7], found[8], found[7], *found[9:]],
        lambda found: found[2:-3],
        lambda found: [*found[:5], "so", *found[5:20], "they", "say", *found[20:]],
    ],
    ids=["dropped", "replaced", "exchanged", "ends cut", "words put in"],
)
def test_light_edits_do_not_hide_a_long_text(edit: object) -> None:
    assert callable(edit)
    (hit,) = search(" ".join(edit(LONG.split())), LONG)
    assert 0.65 <= hit.score <= 1


@pytest.mark.parametrize(
    "row",
    [
        "which planet keeps a moon older than the rings",
        "a storm older than the telescope is a storm indeed",
        " ".join(reversed(SHORT.split())),
        "nothing of the kind",
        "",
    ],
)
def test_a_short_text_is_not_found_in_what_only_resembles_it(row: str) -> None:
    assert search(row, SHORT, LONG) == []


def test_words_of_a_text_far_from_each_other_are_no_text() -> None:
    far = [f"filler{place}" for place in range(100)]
    found = LONG.split()
    row = [*found[:8], *far, *found[8:16], *far, *found[16:24], *far, *found[24:]]
    assert search(" ".join(row), LONG) == []


def test_a_missing_rare_word_costs_more_than_a_missing_common_one() -> None:
    texts = [
        f"what is the capital city of the land of {name}" for name in ("oz", "nod", "cockayne")
    ]
    rule = RULE._replace(short_score=0.5)
    (whole, *rest) = search("what is the capital city of the land of oz", *texts, rule=rule)
    assert whole.score == pytest.approx(1)
    assert all(hit.score < 8 / 9 for hit in rest), (
        "eight words of nine, but not the one that counts"
    )


def test_ngrams_that_many_texts_share_point_to_none_of_them() -> None:
    shared = "which of the following statements is true of"
    texts = [f"{shared} {name} {name}ish" for name in ("ice", "wax", "tin")]
    few, many = RULE._replace(boilerplate=2, short_score=0.5), RULE._replace(short_score=0.5)
    assert search(shared, *texts, rule=many), "three texts are not many by the usual rule"
    assert search(shared, *texts, rule=few) == []
    assert len(search(texts[1], *texts, rule=few)) == 1


def test_what_belongs_together_may_stand_a_little_apart() -> None:
    asked = sought("it got dark so we went to sleep", stretch=18)
    between = "a) we had our breakfast b) we painted the fence"
    row = f"it got dark so {between} we went to sleep"
    assert Index([asked], RULE).search([row])[0]
    assert not Index([asked._replace(stretch=8)], RULE).search([row])[0]


def test_the_best_found_comes_first() -> None:
    hits = search(f"{SHORT} {LONG.replace('nineteen', 'twenty')}", LONG, SHORT)
    assert [hit.sought.items[0][1] for hit in hits] == ["1", "0"]


def test_texts_shorter_than_an_ngram_are_never_found() -> None:
    assert search("two words", "two words") == []


@pytest.mark.slow
@pytest.mark.parametrize("unit", [LONG, f"{LONG[:60]} ", "older than the telescope ", "the "])
def test_a_text_of_a_million_characters_takes_seconds_at_most(unit: str) -> None:
    stream = random.Random(1)
    shuffled = LONG.split()
    stream.shuffle(shuffled)
    row = f"{unit} {' '.join(shuffled)} " * (1_000_000 // (len(unit) + len(LONG)))
    started = time.process_time()
    search(row, LONG, SHORT)
    assert time.process_time() - started < 20
