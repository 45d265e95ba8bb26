"""Sequences laid end to end stay strangers to each other."""

from hypothesis import given
from hypothesis import strategies as some

from openbezoar.training.format import Encoded
from openbezoar.training.packing import group, pack

SEQUENCE = some.integers(1, 9).flatmap(
    lambda length: some.builds(
        Encoded,
        ids=some.lists(some.integers(0, 50), min_size=length, max_size=length),
        supervised=some.lists(some.booleans(), min_size=length, max_size=length),
    )
)
ROWS = some.lists(some.lists(SEQUENCE, min_size=1, max_size=2).map(tuple), max_size=12)


@given(ROWS, some.integers(1, 30))
def test_every_row_is_in_one_micro_batch_that_keeps_the_budget(
    rows: list[tuple[Encoded, ...]], budget: int
) -> None:
    bins = group(rows, budget)
    assert sorted(index for bin_ in bins for index in bin_) == list(range(len(rows)))
    for bin_ in bins:
        tokens = sum(len(sequence.ids) for index in bin_ for sequence in rows[index])
        assert tokens <= budget or len(bin_) == 1


@given(some.lists(SEQUENCE, min_size=1, max_size=5))
def test_only_successors_that_are_learned_are_predicted_and_never_across_sequences(
    sequences: list[Encoded],
) -> None:
    packed = pack(sequences)
    expected = [
        (number, sequence.ids[at - 1], sequence.ids[at])
        for number, sequence in enumerate(sequences)
        for at in range(1, len(sequence.ids))
        if sequence.supervised[at]
    ]
    found = zip(
        packed.owners.tolist(),
        packed.ids[0, packed.predicts].tolist(),
        packed.targets.tolist(),
        strict=True,
    )
    assert list(found) == expected
    assert len(expected) == sum(sequence.answer_tokens for sequence in sequences)


def test_positions_restart_with_every_sequence() -> None:
    packed = pack([Encoded([7, 8, 9], [False, True, True]), Encoded([5, 6], [False, True])])
    assert packed.ids.tolist() == [[7, 8, 9, 5, 6]]
    assert packed.positions.tolist() == [[0, 1, 2, 0, 1]]
    assert packed.lengths == [3, 2]
    assert packed.predicts.tolist() == [0, 1, 3]
    assert packed.targets.tolist() == [8, 9, 6]
