"""Our own references, every result computed anew (trap P38)."""

import itertools
import json
import math
import random
import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from openbezoar import jsonl
from openbezoar.evaluations.references import FILE, FOUND_WRONG, WRONG, OwnReference, is_right, own

ALL = {one.question_id: one for one in jsonl.read(FILE, OwnReference)}
RANDOM = random.Random(0)


def program(question: int, turn: int, name: str) -> Callable[..., Any]:
    """The function that one of our references proposes."""
    code = re.findall(r"```python\n(.*?)```", own(question)[turn], re.DOTALL)[0]
    return run(code, name)


def run(code: str, name: str) -> Callable[..., Any]:
    held: dict[str, Any] = {}
    exec(code, held)  # noqa: S102 - our own text
    found: Callable[..., Any] = held[name]
    return found


def numbers(most: int, least: int = 0) -> list[int]:
    return [RANDOM.randrange(6) for _ in range(RANDOM.randint(least, most))]


def test_every_wrong_reference_has_ours_in_its_place() -> None:
    assert {number for number, one in ALL.items() if one.turns} == WRONG | FOUND_WRONG
    assert all(len(own(number)) == 2 for number in WRONG | FOUND_WRONG)
    assert own(101) == ()


@pytest.mark.parametrize("number", sorted(ALL))
def test_our_own_references_have_the_results_we_look_for(number: int) -> None:
    assert False not in [is_right(number, turn, text) for turn, text in enumerate(own(number))]


def test_computing_finds_the_wrong_references_and_only_those(data_folder: Path) -> None:
    """Of the published references each wrong one that has a result fails, and no right one does."""
    path = data_folder / "mt_bench" / "reference_answer" / "gpt-4.jsonl"
    found = {
        row["question_id"]: [
            is_right(row["question_id"], turn, text)
            for turn, text in enumerate(row["choices"][0]["turns"])
        ]
        for _, row in jsonl.read_objects(path)
    }
    checked = {number for number, turns in found.items() if turns != [None, None]}
    wrong = {number for number, turns in found.items() if False in turns}
    assert len(found) == 30
    assert wrong == (WRONG | FOUND_WRONG) & checked == {104, 105, 107, 109, 111, 113, 114, 120}
    assert checked - wrong == {112, 115, 116, 117, 118, 119}


def test_results_written_beside_the_questions_are_found_right(data_folder: Path) -> None:
    path = data_folder / "mt_bench" / "question.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said = [is_right(row["question_id"], n, s) for n, s in enumerate(row.get("reference", ()))]
        assert False not in said


def test_nothing_is_said_of_what_cannot_be_computed() -> None:
    assert is_right(101, 0, "Second.") is None
    assert is_right("112", 0, "nothing") is None
    assert is_right(112, 2, "nothing") is None
    assert is_right(112, 0, "That makes **$12,000**.") is True
    assert is_right(112, 0, "That makes $4,000.") is False


def test_the_secretary_is_alice() -> None:
    """All orders of five people and of five colours, held against the eight clues."""
    solutions = set()
    people = ["Alice", "Bert", "Cheryl", "David", "Enid"]
    for colours in itertools.permutations(["yellow", "green", "purple", "red", "blue"]):
        place = {colour: number for number, colour in enumerate(colours)}
        between = sorted([place["red"], place["green"]])
        if place["red"] != 0 or place["purple"] != 4 or place["yellow"] != 3:
            continue
        if not between[0] < place["blue"] < between[1]:
            continue
        for names in itertools.permutations(people):
            at = {name: number for number, name in enumerate(names)}
            ends = sorted([at["Cheryl"], at["Enid"]])
            if (
                abs(at["Alice"] - at["David"]) == 1
                and at["Enid"] == place["green"]
                and at["David"] == 4
                and ends[0] < at["Bert"] < ends[1]
            ):
                solutions.add((names[3], colours[::-1]))
    assert solutions == {("Alice", ("purple", "yellow", "green", "blue", "red"))}


def test_a_to_z_are_three_generations() -> None:
    """A, B, then C and its brother E, whose father X is B too, then B's child Y, then Z."""
    father = {"B": "A", "C": "B", "E": "B", "Y": "B", "Z": "Y"}
    steps, person = 0, "Z"
    while person != "A":
        person, steps = father[person], steps + 1
    assert steps == 3


def test_the_triangle_and_its_circle() -> None:
    (ax, ay), (bx, by) = (-1, 1), (3, 3)
    assert abs(ax * by - ay * bx) / 2 == 3
    assert ax * bx + ay * by == 0, "a right angle at the origin: the third side is a diameter"
    assert math.pi * math.dist((ax, ay), (bx, by)) ** 2 / 4 == pytest.approx(5 * math.pi)


def test_the_probabilities() -> None:
    totals = [a + b for a in range(1, 7) for b in range(1, 7)]
    assert Fraction(sum(total >= 3 for total in totals), 36) == Fraction(35, 36)
    assert all(total % 2 == 0 or total >= 3 for total in totals)
    assert 100 - (58 + 45 - 22) == 19


def test_the_root_of_the_cubic() -> None:
    """f(x) = 4x^3 - 9x - 14 is (x - 2)(4x^2 + 8x + 7), whose second factor has no real root."""
    for x in range(-5, 6):
        assert 4 * x**3 - 9 * x - 14 == (x - 2) * (4 * x**2 + 8 * x + 7)
    assert 8**2 - 4 * 4 * 7 == -48


def test_the_sequence_of_three_predecessors() -> None:
    found = [0, -1, -1]
    while len(found) < 8:
        found.append(sum(found[-3:]))
    assert ", ".join(map(str, found)) + "." in own(122)[1]


def test_the_second_table_cannot_be_filled() -> None:
    border: list[Any] = [None, None]
    with pytest.raises(TypeError):
        max(border)
    with pytest.raises(TypeError):
        border[0] + 1


@pytest.mark.parametrize("turn", [0, 1])
def test_our_medians_are_medians(turn: int) -> None:
    median = program(126, turn, "median")
    for _ in range(500):
        first, second = sorted(numbers(6)), sorted(numbers(6, least=1))
        ranked = sorted(first + second)
        middle = len(ranked) // 2
        expected = (ranked[middle] + ranked[~middle]) / 2
        assert median(list(first), list(second)) == expected


def test_our_most_frequent_elements_are_most_frequent() -> None:
    majority, top = program(127, 0, "majority_element"), program(127, 1, "top_two")
    for _ in range(500):
        held = numbers(9, least=1)
        ranked = Counter(held).most_common()
        assert majority(held) == (ranked[0][0] if ranked[0][1] * 2 > len(held) else None)
        assert [held.count(number) for number in top(held)] == [n for _, n in ranked[:2]]


def test_voting_does_not_find_the_two_most_frequent() -> None:
    """The published answer's scheme: two candidates, each gains by itself and pays for others."""
    votes: dict[int, int] = {}
    for number in (held := [2, 2, 2, 0, 3, 4, 0]):
        votes = {one: count for one, count in votes.items() if count}
        if number in votes or len(votes) < 2:
            votes[number] = votes.get(number, 0) + 1
        else:
            votes = {one: count - 1 for one, count in votes.items()}
    assert set(votes) == {2, 4}
    assert set(program(127, 1, "top_two")(held)) == {2, 0}


def count_trees(vertices: int, children: int) -> int:
    """How many ordered trees of so many vertices have none or so many children at each."""
    if vertices == 1:
        return 1
    splits = itertools.product(range(1, vertices), repeat=children)
    return sum(
        math.prod(count_trees(part, children) for part in split)
        for split in splits
        if sum(split) == vertices - 1
    )


@pytest.mark.parametrize(("turn", "children", "most"), [(0, 2, 9), (1, 3, 8)])
def test_our_counts_of_trees_are_right(turn: int, children: int, most: int) -> None:
    ours = program(128, turn, ["full_binary_trees", "full_ternary_trees"][turn])
    assert [ours(n) for n in range(1, most)] == [count_trees(n, children) for n in range(1, most)]
    assert ours(0) == 0
    listed = "1, 1, 2, 5, 14" if children == 2 else "1, 1, 3, 12, 55"
    assert ", ".join(str(ours(1 + children * k)) for k in range(5)) == listed
    assert listed in own(128)[turn]


@pytest.mark.parametrize("turn", [0, 1])
def test_our_common_elements_are_common_and_stand_once(turn: int) -> None:
    common = program(130, turn, "common_elements")
    for _ in range(300):
        first, second = numbers(8), numbers(8)
        assert sorted(common(list(first), list(second))) == sorted(set(first) & set(second))
