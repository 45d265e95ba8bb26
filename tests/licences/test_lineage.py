"""From which sources, teachers and judges an artifact came, with how many of its rows."""

import pytest

from openbezoar.errors import DataError
from openbezoar.licences.lineage import lineage
from openbezoar.store import Artifact
from tests.licences.conftest import OWN, SMOLLM, Bookcase

MIT = ("MIT",)


def counted(bookcase: Bookcase, artifact: Artifact) -> dict[tuple[str, str], int | None]:
    uses = lineage(bookcase.store, artifact).uses
    return {(use.role, use.name): use.rows for use in uses}


def test_rows_of_a_data_set_are_counted_by_source_teacher_and_judge(bookcase: Bookcase) -> None:
    bookcase.source("seeds", MIT, MIT)
    bookcase.source("others", MIT)
    bookcase.generate("asked", "seeds", SMOLLM)
    bookcase.judged("kept", "asked", OWN)
    assert counted(bookcase, bookcase.mix("data", "kept", "others")) == {
        ("judge", "judge"): 2,
        ("teacher", "teacher"): 2,
        ("source", "seeds"): 2,
        ("source", "others"): 1,
    }


def test_rows_that_one_teacher_wrote_twice_over_count_once(bookcase: Bookcase) -> None:
    bookcase.source("seeds", MIT, MIT)
    bookcase.generate("instructions", "seeds", SMOLLM)
    made = bookcase.generate("answers", "instructions", SMOLLM)
    assert counted(bookcase, made)["teacher", "teacher"] == 2


def test_a_model_is_made_of_all_it_learned_from_and_of_its_base(bookcase: Bookcase) -> None:
    bookcase.source("first", MIT)
    bookcase.source("second", MIT, MIT)
    bookcase.mix("one", "first")
    bookcase.mix("two", "second")
    bookcase.train("sft", "student", "one")
    bookcase.merge("merged", "sft")
    bookcase.train("dpo", "merged", "two")
    bookcase.train("again", "dpo", "two")
    assert counted(bookcase, bookcase.merge("model", "again")) == {
        ("base", "student"): None,
        ("source", "second"): 2,
        ("source", "first"): 1,
    }


@pytest.mark.parametrize(
    ("scheme", "has_words"),
    [
        ({"kind": "orca", "wording": "original"}, True),
        ({"kind": "orca", "wording": "ours"}, False),
        ({"kind": "lamini", "topics": "wikipedia", "guided": "both"}, True),
        ({"kind": "lamini", "topics": "wikipedia", "guided": "examples"}, False),
    ],
)
def test_words_of_others_in_a_scheme_are_named(
    bookcase: Bookcase, scheme: dict[str, str], has_words: bool
) -> None:
    bookcase.source("seeds", MIT)
    made = bookcase.generate("rows", "seeds", SMOLLM, **scheme)
    assert (("wording", "rows") in counted(bookcase, made)) == has_words


def test_scores_have_no_licence(bookcase: Bookcase) -> None:
    made = bookcase.put("scores", "evaluate", "scores", {})
    with pytest.raises(DataError, match="scores: holds scores; name a stage of rows or weights"):
        lineage(bookcase.store, made)
