"""When a difference is shown, and when a comparison is refused (traps P29, P31 and P39)."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from openbezoar.comparison.cells import cells_of
from openbezoar.comparison.comparing import NO_DIFFERENCE, Found, compare
from openbezoar.comparison.sides import Side, side_of
from openbezoar.errors import DataError
from openbezoar.evaluations.matches import Match, Outcome
from openbezoar.store import Store
from tests.comparison.conftest import Put, harness, score

WORSE, BETTER = [0.0, 1.0] * 20, [1.0] * 40


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def put_pair(
    put: Put, a: Sequence[float], b: Sequence[float], a_score: Any = None, b_score: Any = None
) -> None:
    for name, values, given in (("a", a, a_score), ("b", b, b_score)):
        put(name, [given or score("piqa.acc", mean(values))], harness(values))


def compared(store: Store, despite_settings: bool = False) -> Found:
    return compare(side_of("a", store), side_of("b", store), despite_settings)


def test_a_difference_on_most_rows_is_shown(store: Store, put: Put) -> None:
    put_pair(put, WORSE, BETTER)
    [found] = compared(store).comparisons
    assert (found.metric, found.a, found.b, found.difference) == ("piqa.acc", 0.5, 1.0, 0.5)
    assert 0 < found.low < 0.5 < found.high
    assert (found.rows, found.unshared, found.verdict) == (40, 0, "B is better")


def test_without_a_difference_none_is_shown(store: Store, put: Put) -> None:
    put_pair(put, WORSE, WORSE[::-1])
    [found] = compared(store).comparisons
    assert found.low <= 0 <= found.high
    assert found.verdict == NO_DIFFERENCE == "no difference shown"


def test_a_model_is_never_shown_to_differ_from_itself(store: Store, put: Put) -> None:
    put_pair(put, WORSE, WORSE)
    [found] = compared(store).comparisons
    assert (found.difference, found.p, found.verdict) == (0, 1, NO_DIFFERENCE)


def test_a_task_is_compared_with_the_chat_template_and_without(store: Store, put: Put) -> None:
    for name, values in (("a", WORSE), ("b", BETTER)):
        items = harness(values) + harness(values, chat_template=True)
        put(name, [score(f"piqa.acc{end}", mean(values)) for end in ("", ".chat")], items)
    assert [one.metric for one in compared(store).comparisons] == ["piqa.acc", "piqa.acc.chat"]


def test_what_stands_beside_a_score_stands_beside_its_comparison(store: Store, put: Put) -> None:
    a = score("piqa.acc", mean(WORSE), flags=["first 40 rows", "below chance (0.500)"])
    b = score("piqa.acc", mean(BETTER), flags=["first 40 rows"])
    put_pair(put, WORSE, BETTER, a, b)
    [found] = compared(store).comparisons
    assert found.flags == "first 40 rows; A: below chance (0.500)"


def test_a_score_that_nobody_could_make_is_named_and_its_parts_are_not(
    store: Store, put: Put
) -> None:
    names = ("mt_bench", "mt_bench.turn_1", "mt_bench.length")
    for name, values in (("a", WORSE), ("b", BETTER)):
        invalid = [score(one, None, note="invalid: too many missing; more") for one in names]
        put(name, [score("piqa.acc", mean(values)), *invalid], harness(values))
    found = compared(store).not_compared
    assert found == {"mt_bench": "a has no value: invalid: too many missing"}


def test_a_handful_of_rows_shows_nothing_however_one_sided(store: Store, put: Put) -> None:
    """Five rows of five: the interval is 1 to 1, but a sign test could not go below 1/16."""
    put_pair(put, [0.0] * 5, [1.0] * 5)
    [found] = compared(store).comparisons
    assert (found.p, found.verdict) == (1 / 16, NO_DIFFERENCE)


def test_an_interval_that_covers_zero_shows_nothing_however_small_its_p(
    store: Store, put: Put
) -> None:
    """Three rows of forty lose what five others win: p supposes a symmetry that is not there."""
    put_pair(put, [0.0] * 40, [1.0] * 37 + [-5.0] * 3)
    [found] = compared(store).comparisons
    assert found.p < 0.05
    assert found.low <= 0 < found.difference
    assert found.verdict == NO_DIFFERENCE


def test_where_less_is_better_the_lower_side_wins(store: Store, put: Put) -> None:
    rows = {"evaluation": "perplexity", "data": "d", "tokens": 4}
    for name, loss in (("a", 2.0), ("b", 1.0)):
        losses = [loss + n % 3 / 10 for n in range(30)]
        items = [{**rows, "id": f"r{n}", "loss": one} for n, one in enumerate(losses)]
        put(name, [score("loss.d", mean(losses), higher_is_better=False)], items)
    [found] = compared(store).comparisons
    assert found.difference == pytest.approx(-1)
    assert found.verdict == "B is better"


def test_no_side_wins_where_neither_more_nor_less_is_better(store: Store, put: Put) -> None:
    tokens = [score("ledger.tokens", 9.0, higher_is_better=None)]
    for name in ("c", "d"):
        put(name, tokens, [])
    with pytest.raises(DataError, match="measured nothing alike"):
        compare(side_of("c", store), side_of("d", store))


def test_several_comparisons_are_corrected(store: Store, put: Put) -> None:
    """p alone is below 0.05 in each of thirty; thirty times that is not."""
    tasks = [f"task{n}" for n in range(30)]
    one, other = [0.0] * 14 + [1.0] * 26, [1.0] * 10 + [0.0] * 4 + [1.0] * 24 + [0.0] * 2
    for name, values in (("a", one), ("b", other)):
        scores = [score(f"{task}.acc", mean(values)) for task in tasks]
        put(name, scores, [item for task in tasks for item in harness(values, task)])
    found = compared(store)
    assert "corrected for 30 comparisons by Holm" in found.method
    assert all(one.low > 0 and one.p < 0.05 for one in found.comparisons)
    assert {one.verdict for one in found.comparisons} == {NO_DIFFERENCE}


def test_only_shared_rows_are_compared_and_the_others_counted(store: Store, put: Put) -> None:
    put_pair(put, WORSE, [*BETTER, 0.0, 0.0])
    [found] = compared(store).comparisons
    assert (found.rows, found.unshared, found.b) == (40, 2, 1.0)


@pytest.mark.parametrize("name", ["shots", "precision", "lm_eval", "template"])
def test_scores_whose_settings_differ_are_refused_unless_told(
    store: Store, put: Put, name: str
) -> None:
    a, b = (score("piqa.acc", v, settings={"shots": 0, name: n}) for v, n in ((0.5, 1), (1.0, 2)))
    put_pair(put, WORSE, BETTER, a, b)
    with pytest.raises(DataError, match=rf"settings differ: .*{name} 1 and 2.*--despite-settings"):
        compared(store)
    [found] = compared(store, despite_settings=True).comparisons
    assert (found.verdict, found.reservations) == ("B is better", f"{name} 1 and 2")


def test_scores_that_do_not_say_how_they_were_made_are_refused(store: Store, put: Put) -> None:
    put_pair(put, WORSE, BETTER, score("piqa.acc", 0.5, settings={}))
    for one, other in ("ab", "ba"):
        with pytest.raises(DataError, match="does not say how it was made"):
            compare(side_of(one, store), side_of(other, store))


def test_one_metric_that_cannot_be_compared_leaves_the_others(store: Store, put: Put) -> None:
    scores = [score("piqa.acc", 0.5), score("boolq.acc", None, note="invalid: too many missing")]
    items = harness(WORSE) + harness([1.0], "boolq")
    put("a", scores, items)
    put("b", [score("piqa.acc", 1.0)], harness(BETTER))
    found = compared(store)
    assert [one.metric for one in found.comparisons] == ["piqa.acc"]
    assert found.not_compared == {"boolq.acc": "only a measured it"}


@pytest.mark.parametrize(
    ("given", "items", "complaint"),
    [
        (score("piqa.acc", None, note="invalid: x"), harness(WORSE), "b has no value: invalid: x"),
        (score("piqa.acc", None), harness(WORSE), "b has no value: nothing could be measured"),
        (score("piqa.acc", 0.6), harness(WORSE), "b: the score is no mean over its items"),
        (score("piqa.acc", 0.5), harness(WORSE) * 2, "b measured the same items twice"),
        (score("piqa.acc", 0.5), [], "b: the score is no mean over its items"),
    ],
)
def test_a_score_its_items_do_not_bear_out_is_refused(
    store: Store, put: Put, given: Any, items: list[dict[str, Any]], complaint: str
) -> None:
    put("a", [score("piqa.acc", 0.5)], harness(WORSE))
    put("b", [given], items)
    with pytest.raises(DataError, match=complaint):
        compared(store)


def test_losses_of_two_tokenizers_are_refused(store: Store, put: Put) -> None:
    for name, tokens in (("a", 4), ("b", 5)):
        item = {"evaluation": "perplexity", "data": "d", "id": "r", "loss": 1.0, "tokens": tokens}
        put(name, [score("loss.d", 1.0)], [item])
    with pytest.raises(DataError, match="two tokenizers, no common measure"):
        compared(store)


def test_scores_of_other_rows_are_refused(store: Store, put: Put) -> None:
    """Such as the first half of a task and the second."""
    put("a", [score("piqa.acc", 1.0)], harness([1.0]))
    put("b", [score("piqa.acc", 0.0)], harness([0.0], id="piqa.another"))
    with pytest.raises(DataError, match=r"cannot be compared: piqa\.acc: they share no row"):
        compared(store)


def test_the_turns_of_a_question_are_one_row(store: Store, put: Put) -> None:
    for name, rating in (("a", 5), ("b", 7)):
        items = [
            {"evaluation": "mt_bench", "id": f"{question}.{turn}", "rating": rating}
            for question in range(10)
            for turn in (1, 2)
        ]
        put(name, [score("mt_bench", rating), score("mt_bench.turn_1", rating)], items)
    [found] = compared(store).comparisons
    assert (found.rows, found.difference, found.verdict) == (10, 2, "B is better")


def games(outcome: str) -> list[dict[str, Any]]:
    return [
        {
            "evaluation": "mt_bench_pairs", "id": f"{question}.1", "model": "b_model",
            "against": "a_model", "outcome": outcome if question % 4 else "tie",
        }
        for question in range(40)
    ]  # fmt: skip


def test_games_between_the_two_models_are_compared_head_to_head(store: Store, put: Put) -> None:
    """Thirty won and ten tied of forty: 35 points, 0.875 for B and 0.125 for A."""
    put("a", [], [])
    put("b", [score("mt_bench_pairs.a_model", 0.875)], games("win"))
    found = compared(store)
    [duel] = found.comparisons
    assert duel.metric == "mt_bench_pairs.a_model, head to head"
    assert (duel.a, duel.b, duel.verdict) == (0.125, 0.875, "B is better")
    assert found.not_compared == {}
    swapped = compare(side_of("b", store), side_of("a", store)).comparisons[0]
    assert (swapped.difference, swapped.verdict) == (-duel.difference, "A is better")


WAYS: tuple[Outcome, Outcome] = ("loss", "win")


def judged(stream: random.Random, questions: int, edge: float) -> Side:
    """A judge who likes the first seat; B's answers are better by so much in each verdict."""
    rows = []
    for question in range(questions):
        for turn in (1, 2):
            first, second = (WAYS[stream.random() < chance + edge] for chance in (0.75, 0.25))
            match = Match(str(question), "math", turn, first, second, "", 5, 5)
            rows.append({**games("tie")[0], "id": f"{question}.{turn}", "outcome": match.outcome})
    cells = cells_of(rows, "b_model")
    rate = mean([cell.total for several in cells["mt_bench_pairs.a_model"].values()
                 for cell in several])  # fmt: skip
    scores = {"mt_bench_pairs.a_model": score("mt_bench_pairs.a_model", rate)}
    return Side("b", "b_model", scores, cells)


@pytest.mark.slow
def test_a_judge_s_favourite_seat_shows_no_difference_and_hides_none() -> None:
    """Fifty duels of models that are alike: two or three may look unlike. Then of unlike ones."""
    stream, a = random.Random(4), Side("a", "a_model", {}, {})
    alike, unlike = (
        [compare(a, judged(stream, 40, edge)).comparisons[0].verdict for _ in range(50)]
        for edge in (0.0, 0.15)
    )
    assert sum(verdict != NO_DIFFERENCE for verdict in alike) <= 6
    assert sum(verdict == "B is better" for verdict in unlike) >= 45


def test_an_invalid_match_is_not_compared(store: Store, put: Put) -> None:
    put("a", [], [])
    put("b", [score("mt_bench_pairs.a_model", None, note="invalid: too many")], games("win"))
    with pytest.raises(DataError, match="b has no value: invalid: too many"):
        compared(store)


def test_two_models_are_compared_by_their_games_with_a_third(store: Store, put: Put) -> None:
    for name, outcome, rate in (("a", "loss", 0.125), ("b", "win", 0.875)):
        items = [{**game, "model": f"{name}_model", "against": "z"} for game in games(outcome)]
        put(name, [score("mt_bench_pairs.z", rate)], items)
    [found] = compared(store).comparisons
    assert (found.metric, found.difference) == ("mt_bench_pairs.z", 0.75)


def test_the_subjects_of_a_group_are_compared_as_the_group(store: Store, put: Put) -> None:
    for name, values in (("a", WORSE), ("b", BETTER)):
        items = harness(values, "mmlu_anatomy") + harness(values, "mmlu_virology")
        put(name, [score("mmlu.acc", mean(values))], items)
    [found] = compared(store).comparisons
    assert (found.metric, found.rows) == ("mmlu.acc", 80)


def test_nothing_alike_is_told(store: Store, put: Put) -> None:
    put("a", [], [])
    put("b", [], [])
    with pytest.raises(DataError, match="a and b cannot be compared: they measured nothing alike"):
        compared(store)
