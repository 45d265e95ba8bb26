"""Shares of pairs ranked as people ranked, by part and with the length of answers held."""

import pytest

from openbezoar.evaluations.ranking import Ranked, ranking
from openbezoar.records import Message, Preference, Score
from openbezoar.statistics import wilson


def ranked(
    margin: float | None, chosen: int = 10, rejected: int = 10, questions: int = 1, subset: str = ""
) -> Ranked:
    texts = [Message(role="user", content="Q"), Message(role="assistant", content="A")] * questions
    row = Preference(id="a", prompt=tuple(texts[:-1]), chosen="Yes.", rejected="No.", subset=subset)
    return Ranked(row, margin, chosen, rejected)


def scores(*pairs: Ranked, band: float = 0.2) -> dict[str, Score]:
    return {score.name: score for score in ranking("m", pairs, band)}


def test_the_share_counts_margins_over_nought_and_has_wilsons_interval() -> None:
    """A tie is no win: two of four."""
    share = scores(ranked(1.0), ranked(2.0), ranked(0.0), ranked(-1.0))["m"]
    assert (share.value, share.n, share.missing) == (0.5, 4, 0)
    assert (share.low, share.high) == wilson(2, 4)


def test_a_pair_that_could_not_be_read_is_missing_and_not_lost() -> None:
    share = scores(ranked(1.0), ranked(None))["m"]
    assert (share.value, share.n, share.missing) == (1.0, 1, 1)


def test_without_a_readable_pair_nothing_is_known() -> None:
    (share,) = ranking("m", [ranked(None)], 0.2)
    assert (share.value, share.n, share.missing, share.low) == (None, 0, 1, None)


def test_parts_are_subsets_and_numbers_of_questions() -> None:
    found = scores(
        ranked(1.0, questions=1, subset="helpful"),
        ranked(-1.0, questions=2, subset="helpful"),
        ranked(1.0, questions=4, subset="harmless"),
        ranked(-1.0, questions=9, subset="harmless"),
    )
    shares = {name: (score.value, score.n) for name, score in found.items()}
    assert shares["m.helpful"] == shares["m.harmless"] == (0.5, 2)
    assert shares["m.turns_1"] == (1.0, 1)
    assert shares["m.turns_2"] == (0.0, 1)
    assert shares["m.turns_4_or_more"] == (0.5, 2)
    assert "m.turns_3" not in shares


def test_a_single_part_is_not_told_twice() -> None:
    names = list(scores(ranked(1.0, subset="helpful"), ranked(-1.0, subset="helpful")))
    assert names == ["m", "m.similar_length"]


@pytest.mark.parametrize(
    ("lengths", "counted"),
    [((10, 8), 2), ((8, 10), 2), ((10, 7), 1), ((100, 81), 2), ((100, 79), 1), ((1, 1), 2)],
)
def test_similar_lengths_differ_by_at_most_a_fifth_of_the_longer(
    lengths: tuple[int, int], counted: int
) -> None:
    """Beside one pair of equal lengths."""
    assert scores(ranked(1.0, *lengths), ranked(1.0))["m.similar_length"].n == counted


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_model_that_looks_at_length_alone_gets_one_half_with_length_balanced(
    sign: float,
) -> None:
    """Of ten pairs the chosen answer is the longer in eight: 0.8 or 0.2 unbalanced."""
    pairs = [ranked(sign, 20, 10)] * 8 + [ranked(-sign, 10, 20)] * 2
    found = scores(*pairs)
    assert found["m"].value == pytest.approx(0.5 + 0.3 * sign)
    assert found["m.length_balanced"].value == 0.5


def test_the_balanced_share_is_the_mean_of_two_with_their_intervals_joined() -> None:
    """3 of 4 where chosen is longer, 1 of 2 where it is shorter: (0.75 + 0.5) / 2 = 0.625."""
    longer = [ranked(1.0, 20, 10)] * 3 + [ranked(-1.0, 20, 10)]
    balanced = scores(*longer, ranked(1.0, 10, 20), ranked(-1.0, 10, 20), ranked(1.0))[
        "m.length_balanced"
    ]
    (low_4, high_4), (low_2, high_2) = wilson(3, 4), wilson(1, 2)
    assert (balanced.value, balanced.n) == (0.625, 6)
    down = ((0.75 - low_4) ** 2 + (0.5 - low_2) ** 2) ** 0.5 / 2
    up = ((high_4 - 0.75) ** 2 + (high_2 - 0.5) ** 2) ** 0.5 / 2
    assert balanced.low == pytest.approx(0.625 - down)
    assert balanced.high == pytest.approx(0.625 + up)
    assert balanced.note == "chosen longer in 4, shorter in 2"


def test_what_the_data_cannot_tell_is_not_given() -> None:
    """The chosen answer is always the longer one, and much longer."""
    assert list(scores(ranked(1.0, 20, 10), ranked(1.0, 20, 10))) == ["m"]
