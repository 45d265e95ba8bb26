"""A budget is never exceeded, and nothing under way is thrown away when it ends."""

import asyncio
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from openbezoar.deadline import Deadline
from openbezoar.errors import BudgetReached, ModelError
from openbezoar.families import Request, Sampling
from openbezoar.models.budget import (
    Account,
    Budget,
    Cost,
    Purse,
    RunBudget,
    expected_tokens,
    most_tokens,
)
from openbezoar.models.openai import OpenAI
from openbezoar.models.prices import Price
from openbezoar.records import Completion

Ask = Callable[..., Request]
SPEC = OpenAI(model="m")
PRICES = {"m": Price(input=1, output=1)}
"""A dollar for a million tokens either way."""


async def answer(request: Request) -> Completion:
    """Ten tokens in all."""
    await asyncio.sleep(0)
    return Completion(text="yes", finish_reason="stop", tokens_in=4, tokens_out=6)


def asked(ask: Ask) -> Request:
    """At most 20 tokens: 10 to read and 10 to write."""
    return ask("x" * 12, sampling=Sampling(max_tokens=10))


async def outcomes(account: Account, request: Request, count: int) -> list[object]:
    asking = [account.ask(request, answer) for _ in range(count)]
    return await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize(
    "budget", [Budget(tokens=45), Budget(usd=45e-6), Budget(tokens=10**6, usd=45e-6)]
)
async def test_requests_are_asked_while_the_longest_answer_fits(ask: Ask, budget: Budget) -> None:
    """20 may be taken and 10 are: the third starts at 20 spent, the fourth would at 30."""
    purse = Purse("the recipe", budget)
    results = await outcomes(Account(SPEC, [purse], PRICES), asked(ask), 9)
    assert [type(result) for result in results].count(Completion) == 3
    assert [type(result) for result in results].count(BudgetReached) == 6
    assert purse.spent == Cost(30, pytest.approx(30e-6))  # type: ignore[arg-type]


async def test_a_request_waits_for_those_under_way_before_it_gives_up(ask: Ask) -> None:
    account = Account(SPEC, [Purse("the recipe", Budget(tokens=30))], PRICES)
    results = await outcomes(account, asked(ask), 2)
    assert [type(result) for result in results] == [Completion, Completion]


async def test_once_its_time_is_over_a_purse_waits_for_what_is_under_way(ask: Ask) -> None:
    purse = Purse("the recipe", Budget(), Deadline(2, at=0.0))
    with pytest.raises(BudgetReached, match="time of 2 hours is over"):
        await Account(SPEC, [purse], PRICES).ask(asked(ask), answer)
    purse.hold(Cost(1, 0))
    asking = asyncio.ensure_future(Account(SPEC, [purse], PRICES).ask(asked(ask), answer))
    await asyncio.sleep(0)
    assert not asking.done(), "an answer to come is not thrown away"
    purse.settle(Cost(1, 0), Cost(1, 0))
    with pytest.raises(BudgetReached):
        await asking


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), 9000])
def test_hours_without_sense_are_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        RunBudget(hours=value)


async def test_every_purse_must_have_room(ask: Ask) -> None:
    small, large = Purse("model 'm'", Budget(tokens=25)), Purse("the recipe", Budget(tokens=99))
    account = Account(SPEC, [small, large], PRICES)
    await account.ask(asked(ask), answer)
    with pytest.raises(BudgetReached, match=r"budget of model 'm' \(25 tokens\)"):
        await account.ask(asked(ask), answer)
    assert large.spent == small.spent == Cost(10, 10e-6)


async def test_a_failed_request_costs_nothing(ask: Ask) -> None:
    async def fail(request: Request) -> Completion:
        raise ModelError("gone")

    purse = Purse("the recipe", Budget(tokens=20))
    account = Account(SPEC, [purse], PRICES)
    for _ in range(3):
        with pytest.raises(ModelError, match="gone"):
            await account.ask(asked(ask), fail)
    assert purse.spent == Cost(0, 0)


async def test_a_text_of_more_tokens_than_expected_crosses_no_cap(ask: Ask) -> None:
    """Digits and scripts that a vocabulary hardly knows have a token for two bytes, not four."""
    request = ask("7" * 80, sampling=Sampling(max_tokens=2))

    async def dense(request: Request) -> Completion:
        await asyncio.sleep(0)
        return Completion(text="77", finish_reason="stop", tokens_in=44, tokens_out=2)

    purse = Purse("the recipe", Budget(tokens=1000))
    account = Account(SPEC, [purse], PRICES)
    asking = [account.ask(request, dense) for _ in range(64)]
    await asyncio.gather(*asking, return_exceptions=True)
    assert 900 < purse.spent.tokens <= 1000


async def test_an_answer_that_the_server_did_not_count_is_never_free(ask: Ask) -> None:
    async def uncounted(request: Request) -> Completion:
        return Completion(text="yes", finish_reason="stop", tokens_in=None, tokens_out=None)

    purse = Purse("the recipe", Budget(usd=50e-6))
    account = Account(SPEC, [purse], PRICES)
    for _ in range(2):
        completion = await account.ask(asked(ask), uncounted)
    assert purse.spent == Cost(40, pytest.approx(40e-6))  # type: ignore[arg-type]
    with pytest.raises(BudgetReached):
        await account.ask(asked(ask), uncounted)
    assert account.usd(completion) is None, "unknown, not zero"


def test_a_token_is_about_four_bytes_and_hardly_less_than_two(ask: Ask) -> None:
    assert expected_tokens(ask("x" * 40)) == 11
    assert expected_tokens(ask("日本語日本語日本")) == 7
    assert most_tokens(ask("x" * 40)) == 24
    assert most_tokens(ask("x" * 40, json_schema={"type": "object"})) == 24 + 9 + 4


def test_an_unknown_price_gives_no_cost() -> None:
    completion = Completion(text="", finish_reason="", tokens_in=1, tokens_out=1)
    assert Account(SPEC, [], {}).usd(completion) is None
    assert Account(SPEC, [], PRICES).usd(completion) == pytest.approx(2e-6)
