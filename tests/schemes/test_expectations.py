"""A scheme says what it will ask before it asks, within what it can ask at most."""

import pytest

from openbezoar.families import Length, Sampling, Scheme
from openbezoar.ranges import Range, exactly
from openbezoar.schemes.evol_instruct import EvolInstruct
from openbezoar.schemes.lamini import Lamini
from openbezoar.schemes.orca import Orca
from openbezoar.schemes.respond import Respond

SEED = Length(exactly(60), exactly(20))
FEW = Sampling(max_tokens=50)


@pytest.mark.parametrize(
    ("scheme", "seeds", "draws"),
    [
        (Respond(), exactly(7), exactly(7)),
        (Lamini(requests=12), exactly(7), exactly(12)),
        (Lamini(requests=12), None, exactly(12)),
        (Orca(total=5), exactly(7), exactly(5)),
        (Orca(total=9), exactly(7), exactly(7)),
        (Orca(total=9), None, exactly(9)),
        (Orca(counts={"cot": 3, "t0": 2}), exactly(70), exactly(5)),
        (Orca(), None, None),
        (EvolInstruct(), exactly(7), exactly(7)),
    ],
)
def test_calls_follow_from_seeds_and_settings(
    scheme: Scheme, seeds: Range | None, draws: Range | None
) -> None:
    assert scheme.expects_draws(seeds) == draws


@pytest.mark.parametrize(
    "scheme", [Respond(sampling=FEW), Orca(sampling=FEW), Lamini(sampling=FEW)]
)
def test_no_answer_is_expected_to_be_longer_than_the_longest(scheme: Scheme) -> None:
    found = scheme.expects(SEED)
    assert found.requests == exactly(1)
    assert found.tokens_out.high == 50
    assert found.tokens_in.low >= 60


@pytest.mark.parametrize("kind", [Respond, Orca, Lamini, EvolInstruct])
@pytest.mark.parametrize("longest", [1, 2, 10**9])
def test_an_answer_of_any_length_can_be_expected(kind: type[Scheme], longest: int) -> None:
    scheme = kind.model_validate({"sampling": {"max_tokens": longest}})
    assert scheme.expects(SEED).tokens_out.high >= longest


def test_evolution_asks_once_more_where_a_model_gives_the_verdict() -> None:
    overlap = EvolInstruct(equality_rule="overlap").expects(SEED).requests
    model = EvolInstruct(equality_tries=4).expects(SEED).requests
    assert (overlap.low, overlap.high) == (1.3, 2)
    assert model.high == overlap.high + 4


def test_evolution_asks_for_every_epoch() -> None:
    once = EvolInstruct(equality_rule="overlap").expects(SEED).requests
    more = EvolInstruct(equality_rule="overlap", epochs_of={"open_qa": 3}).expects(SEED).requests
    assert (more.likely, more.high) == (once.likely, 3 * once.high)
