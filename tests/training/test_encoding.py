"""Every row is learned, or counted with the reason why not."""

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Example, Preference
from openbezoar.training.encoding import encode_rows
from openbezoar.training.format import Format
from tests.conftest import turns

ROWS = [
    Example(id="short", messages=turns("Hello", "Hi.")),
    Example(id="early", messages=turns("First" * 40, "Answer" * 40, "Hello", "Hi.")),
    Example(id="long", messages=turns("Hello" * 100, "Hi.")),
    Example(id="silent", messages=turns("Hello", " ")),
    Example(id="broken", messages=turns("Hello", "a\ud800")),
]


def test_every_row_is_learned_or_counted(format_: Format) -> None:
    limit = len(format_.encode(turns("Hello"), "Hi.", 2048).ids)
    found = encode_rows(ROWS, SupervisedFineTuning(), format_, limit)
    assert found.ids == ["short", "early"]
    assert [row.id for row in found.first] == found.ids
    assert found.left_out == {
        f"longer than {limit} tokens": 1,
        "empty answer": 1,
        "not Unicode text": 1,
    }
    assert found.cut == {"prompt": 1, "answer": 0}
    assert found.tokens == 2 * limit
    assert found.answer_tokens == 2 * (len("Hi.") + 1)


def test_a_row_that_fits_is_not_cut(format_: Format) -> None:
    found = encode_rows(ROWS, SupervisedFineTuning(), format_, 2048)
    assert found.cut == {"prompt": 0, "answer": 0}


def test_a_pair_whose_two_sides_were_cut_is_one_row(format_: Format) -> None:
    pair = Preference(
        id="a", prompt=turns("First" * 40, "Answer", "Hello"), chosen="x" * 900, rejected="y" * 900
    )
    found = encode_rows([pair], DirectPreferenceOptimization(), format_, 900)
    assert found.cut == {"prompt": 1, "answer": 1}
