"""Prices come from the recipe first, then from the list, and are never made up."""

from datetime import date

import pytest
from pydantic import ValidationError

from openbezoar.models.endpoint import Endpoint
from openbezoar.models.openai import OpenAI
from openbezoar.models.prices import Listed, Price, list_prices, price_of
from openbezoar.models.scripted import Line, Scripted

MINI = OpenAI(model="gpt-4o-mini")


def test_a_million_tokens_each_way_cost_what_the_price_says() -> None:
    assert Price(input=0.15, output=0.6).usd(1_000_000, 1_000_000) == pytest.approx(0.75)


def test_a_known_model_has_its_list_price() -> None:
    assert price_of(MINI, {}) == Price(input=0.15, output=0.6)


def test_the_recipes_own_price_wins() -> None:
    own = {"gpt-4o-mini": Price(input=1, output=2)}
    assert price_of(MINI, own) == own["gpt-4o-mini"]


def test_an_unknown_model_has_no_price() -> None:
    assert price_of(OpenAI(model="somebody-elses"), {}) is None


def test_a_model_that_does_not_bill_has_no_list_price() -> None:
    assert price_of(Scripted(lines=(Line(reply="yes"),)), {}) is None


def test_batches_cost_half() -> None:
    gathered = MINI.model_copy(update={"runtime": Endpoint(batch=True)})
    assert price_of(gathered, {}) == Price(input=0.075, output=0.3)


@pytest.mark.parametrize(("name", "price"), list_prices().items())
def test_a_list_price_says_where_and_when_it_was_seen(name: str, price: Listed) -> None:
    assert price.source.startswith("https://")
    assert price.seen >= date(2026, 11, 22)
    assert 0 < price.input < price.output


def test_a_price_is_never_negative() -> None:
    with pytest.raises(ValidationError):
        Price(input=-1, output=0)
