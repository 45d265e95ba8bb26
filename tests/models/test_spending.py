"""What a run spends is counted over all its stages, for each model and for all together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.errors import BudgetReached, ConfigError
from openbezoar.families import Request, Sampling
from openbezoar.models.budget import Budget
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.openai import OpenAI
from openbezoar.models.policies import open_model
from openbezoar.models.prices import Price
from openbezoar.models.scripted import Line, Scripted
from openbezoar.models.spending import Spending, check_prices

Ask = Callable[..., Request]
SHORT = Sampling(max_tokens=3)
MONEY = Budget(usd=1)


@pytest.fixture
def spec(serve: Any, chat: Any) -> Callable[..., OpenAI]:
    """A model whose every answer takes 7 + 3 tokens."""
    url = serve(lambda body: chat("yes")).url
    return lambda **runtime: OpenAI(model="m", runtime=Endpoint(base_url=url, **runtime))


async def spend(spec: OpenAI, database: Path, spending: Spending, *asked: Request) -> Any:
    usage: dict[str, float] = {}
    async with open_model(spec, database, usage, spending) as model:
        for request in asked:
            await model.complete(request)
    return usage


async def test_a_models_budget_lasts_over_all_its_stages(
    spec: Any, ask: Ask, tmp_path: Path
) -> None:
    spending, model = Spending(), spec(budget=Budget(tokens=20))
    await spend(model, tmp_path / "a", spending, ask("1", sampling=SHORT))
    await spend(model, tmp_path / "a", spending, ask("2", sampling=SHORT))
    with pytest.raises(BudgetReached, match="model 'm'"):
        await spend(model, tmp_path / "a", spending, ask("3", sampling=SHORT))


async def test_the_recipes_budget_is_shared_by_its_models(
    spec: Any, ask: Ask, tmp_path: Path
) -> None:
    spending = Spending(Budget(tokens=20))
    await spend(spec(), tmp_path / "a", spending, ask("1", sampling=SHORT))
    other = spec().model_copy(update={"model": "other"})
    await spend(other, tmp_path / "a", spending, ask("1", sampling=SHORT))
    with pytest.raises(BudgetReached, match="the recipe"):
        await spend(spec(), tmp_path / "a", spending, ask("2", sampling=SHORT))


async def test_kept_answers_cost_nothing(spec: Any, ask: Ask, tmp_path: Path) -> None:
    spending = Spending(Budget(tokens=15), {"m": Price(input=1e6, output=1e6)})
    request = ask("1", sampling=SHORT)
    usage = await spend(spec(), tmp_path / "a", spending, request, request, request)
    assert usage["usd"] == pytest.approx(10)
    assert (usage["requests"], usage["cached"]) == (3, 2)
    assert (await spend(spec(), tmp_path / "a", spending, request))["usd"] == 0


async def test_money_is_absent_where_no_price_is_known(spec: Any, ask: Ask, tmp_path: Path) -> None:
    usage = await spend(spec(), tmp_path / "a", Spending(), ask("1"), ask("1"), ask("2"))
    assert "usd" not in usage
    assert usage["unpriced"] == 2
    assert not {"usd", "unpriced"} & set(await spend(spec(), tmp_path / "a", Spending(), ask("1")))


async def test_a_model_that_nobody_bills_has_no_cost(ask: Ask, tmp_path: Path) -> None:
    usage: dict[str, float] = {}
    free = Scripted(lines=(Line(reply="yes"),))
    async with open_model(free, tmp_path / "a", usage, Spending()) as model:
        await model.complete(ask("1"))
    assert not {"usd", "unpriced"} & set(usage)


@pytest.mark.parametrize(
    ("spec", "budget", "prices"),
    [
        (OpenAI(model="m"), None, {}),
        (OpenAI(model="m"), Budget(tokens=1), {}),
        (OpenAI(model="gpt-4o"), MONEY, {}),
        (OpenAI(model="m"), MONEY, {"m": Price(input=0, output=0)}),
        (Scripted(lines=(Line(reply="yes"),)), MONEY, {}),
    ],
)
def test_money_needs_no_price_where_none_is_limited_or_known(
    spec: Any, budget: Budget | None, prices: dict[str, Price]
) -> None:
    check_prices(spec, budget, prices)


@pytest.mark.parametrize(
    ("runtime", "budget"), [(Endpoint(), MONEY), (Endpoint(budget=MONEY), None)]
)
def test_a_budget_of_money_needs_a_price(runtime: Endpoint, budget: Budget | None) -> None:
    with pytest.raises(ConfigError, match=r"add `prices: \{m: \{input: .*to the recipe"):
        check_prices(OpenAI(model="m", runtime=runtime), budget, {})
