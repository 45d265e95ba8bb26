"""HH-RLHF: the counts measured on harmless-base/test, and dialogues made up here.

Rows of the real files are never compared whole: a failure would print them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar import catalog, files, jsonl
from openbezoar.errors import DataError
from openbezoar.sources.hh_rlhf import Dialogue, HhRlhfSource, _pair, read_dialogue

Sort = Callable[[HhRlhfSource], tuple[list[Any], list[Any]]]
HARMLESS = HhRlhfSource(subsets=("harmless-base",), splits=("test",))
MARK = "\n\nAssistant:"
MEASURED = "ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03"


@pytest.mark.usefixtures("shared")
def test_harmless_base_test_gives_the_counts_measured_on_it(sort: Sort) -> None:
    """2,312 pairs, 13 of them unusable; 5 of the 9 with a doubled role have unequal prompts too."""
    assert HARMLESS.evidence() == {"harmless-base/test.jsonl.gz": MEASURED}
    kept, rejected = sort(HARMLESS)
    count, reasons = len(kept), Counter(reason for reason, _ in rejected)
    assert count == 2_299
    assert reasons == {"same role twice in a row": 9, "empty answer": 4}


@pytest.mark.usefixtures("shared")
def test_the_rejected_rows_are_the_ones_known_to_be_unusable(sort: Sort) -> None:
    _, rejected = sort(HARMLESS)
    lines = [int(raw["rejected_at"].rpartition(":")[2]) - 1 for _, raw in rejected]
    assert lines == [86, 516, 667, 763, 925, 1103, 1254, 1319, 1688, 1849, 1950, 1952, 2036]


@pytest.mark.usefixtures("shared")
def test_exactly_1650_rows_have_more_than_one_turn_of_the_assistant(sort: Sort) -> None:
    path = catalog.find("hh-rlhf", "harmless-base/test.jsonl.gz")
    assert files.digest(path) == MEASURED
    several = [raw for _, raw in jsonl.read_objects(path) if raw["chosen"].count(MARK) > 1]
    unusable = sum(isinstance(_pair(raw, ""), str) for raw in several)
    multi_turn = sum(len(row.prompt) > 1 for row in sort(HARMLESS)[0])
    count = len(several)
    assert (count, multi_turn + unusable) == (1_650, 1_650)


@pytest.mark.usefixtures("shared")
def test_parts_are_read_one_after_the_other_and_limited_each(sort: Sort) -> None:
    both = HhRlhfSource(splits=("test",), per_subset=3, limit=6)
    kept, _ = sort(both)
    assert [row.subset for row in kept] == ["harmless-base"] * 3 + ["helpful-base"] * 3
    assert {row.licences for row in kept} == {("MIT",)}


@pytest.mark.usefixtures("shared")
def test_a_split_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(DataError, match="`bezoar data pull hh-rlhf` fetches it"):
        next(HhRlhfSource().rows())


START = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Sum of 1 and 1?\n\nAssistant:"


def test_a_dialogue_is_cut_at_the_last_turn_of_the_assistant() -> None:
    dialogue = read_dialogue(START + " It is 2.")
    assert isinstance(dialogue, Dialogue)
    assert [turn.content for turn in dialogue.prompt] == ["Hi", "Hello", "Sum of 1 and 1?"]
    assert dialogue.answer == "It is 2."


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (START + " 2", START + " 2", "identical answers"),
        (START + " 2", START.replace("Hi", "Ho") + " 3", "unequal prompts"),
        (START + " ", START + " 3", "empty answer"),
        (START + " 2", START, "empty answer"),
        (START + "2\n\nHuman: thanks", START + " 3", "a human turn after the last answer"),
        ("\n\nHuman: Hi", START, "no answer by the assistant"),
        ("", "", "no answer by the assistant"),
        ("Note" + START + " 2", START + " 3", "text before the first turn"),
        ("\n\nHuman: a\n\nHuman: b\n\nAssistant: c", START + "3", "same role twice in a row"),
        ("\n\nHuman: a\n\nAssistant: b\n\nAssistant: c", START, "same role twice in a row"),
        ("\n\nAssistant: b", START + "3", "the first turn is not the human's"),
        ("\n\nHuman: \n\nAssistant: b", START + "3", "empty turn"),
        (None, START, "chosen or rejected is not a text"),
    ],
)
def test_every_anomaly_has_its_reason(chosen: str | None, rejected: str, reason: str) -> None:
    assert _pair({"chosen": chosen, "rejected": rejected}, "harmless-base") == reason


@given(st.text(alphabet=" \naHumanssitt:", max_size=80))
def test_any_text_is_a_dialogue_that_alternates_or_has_a_reason(text: str) -> None:
    dialogue = read_dialogue("\n\nHuman:" + text.replace("s", "\n\nAssistant:"))
    if isinstance(dialogue, Dialogue):
        roles = [turn.role for turn in dialogue.prompt]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        assert dialogue.answer
    else:
        assert dialogue
