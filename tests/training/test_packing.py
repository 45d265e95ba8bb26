"""Rows laid end to end stay strangers; the sequences of one row share what they begin with."""

from hypothesis import given
from hypothesis import strategies as some

from openbezoar.training.format import Encoded
from openbezoar.training.packing import Segment, group, pack, shared_tokens, tokens_of
from tests.training.conftest import Rows


def encoded(prompt: list[int], answer: list[int]) -> Encoded:
    return Encoded(prompt + answer, [False] * len(prompt) + [True] * len(answer))


SEQUENCE = some.integers(1, 9).flatmap(
    lambda length: some.builds(
        Encoded,
        ids=some.lists(some.integers(0, 2), min_size=length, max_size=length),
        supervised=some.lists(some.booleans(), min_size=length, max_size=length),
    )
)
ANSWER = some.lists(some.integers(0, 2), max_size=5)
PAIR = some.builds(
    lambda prompt, chosen, rejected: (encoded(prompt, chosen), encoded(prompt, rejected)),
    some.lists(some.integers(0, 2), min_size=1, max_size=9),
    ANSWER,
    ANSWER,
)
ROW = some.one_of(PAIR, some.lists(SEQUENCE, min_size=1, max_size=3).map(tuple))


@given(some.lists(ROW, max_size=12), some.integers(1, 30))
def test_every_row_is_in_one_micro_batch_that_keeps_the_budget(rows: Rows, budget: int) -> None:
    bins = group(rows, budget)
    assert sorted(index for bin_ in bins for index in bin_) == list(range(len(rows)))
    for bin_ in bins:
        tokens = pack([rows[index] for index in bin_]).ids.shape[1]
        assert tokens == sum(tokens_of(rows[index]) for index in bin_)
        assert tokens <= budget or len(bin_) == 1


@given(some.lists(ROW, min_size=1, max_size=5))
def test_only_successors_that_are_learned_are_predicted_and_never_across_sequences(
    rows: Rows,
) -> None:
    packed = pack(rows)
    sequences = [sequence for row in rows for sequence in row]
    expected = [
        (number, sequence.ids[at - 1], sequence.ids[at], at - 1)
        for number, sequence in enumerate(sequences)
        for at in range(1, len(sequence.ids))
        if sequence.supervised[at]
    ]
    found = zip(
        packed.owners.tolist(),
        packed.ids[0, packed.predicts].tolist(),
        packed.targets.tolist(),
        packed.positions[0, packed.predicts].tolist(),
        strict=True,
    )
    assert list(found) == expected
    assert packed.sequences == tuple(sequences)


@given(some.lists(ROW, min_size=1, max_size=5))
def test_what_a_segment_sees_is_the_beginning_of_its_own_sequence(rows: Rows) -> None:
    packed = pack(rows)
    ids, positions = packed.ids[0].tolist(), packed.positions[0].tolist()
    sequences = [tuple(sequence.ids) for row in rows for sequence in row]
    assert [at for one in packed.segments for at in range(one.start, one.stop)] == [
        *range(len(ids))
    ]
    for one in packed.segments:
        seen = [*range(one.prefix_start, one.prefix_stop), *range(one.start, one.stop)]
        assert tuple(ids[at] for at in seen) in sequences
        assert [positions[at] for at in seen] == [*range(one.keys)]


def test_a_pair_is_laid_out_with_its_prompt_once() -> None:
    """Prompt 7 8 9, answers 5 6 and 4: 8 and 9 are not computed twice, 9 predicts 5 and 4."""
    packed = pack([(encoded([7, 8, 9], [5, 6]), encoded([7, 8, 9], [4]))])
    assert packed.ids.tolist() == [[7, 8, 9, 5, 6, 4]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 4, 3]]
    assert packed.segments == (Segment(0, 5, 0, 0), Segment(5, 6, 0, 3))
    assert packed.predicts.tolist() == [2, 3, 2]
    assert packed.targets.tolist() == [5, 6, 4]
    assert packed.owners.tolist() == [0, 0, 1]


def test_nothing_that_is_learned_is_shared() -> None:
    same = encoded([7, 8], [5, 6])
    assert shared_tokens((same, same)) == 2
    assert shared_tokens((same, encoded([9, 8], [5]))) == 0
    assert shared_tokens((same,)) == 0
