"""What a model's tokens cost, from the recipe or from a table of public list prices."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from openbezoar.component import Component
from openbezoar.families import ModelSpec

__all__ = ["Listed", "Price", "list_prices", "price_of"]

MILLION = 1_000_000


class Price(Component):
    """US dollars for a million tokens."""

    input: float = Field(ge=0)
    """For what the model reads."""
    output: float = Field(ge=0)
    """For what the model writes."""

    def usd(self, tokens_in: float, tokens_out: float) -> float:
        """What these tokens cost."""
        return (tokens_in * self.input + tokens_out * self.output) / MILLION


class Listed(Price):
    """A list price, with the page it stood on and the day it was seen there."""

    source: str
    seen: date


def price_of(spec: ModelSpec, own: Mapping[str, Price]) -> Price | None:
    """The recipe's own price, else the list price of a model that bills; None when unknown.

    Requests gathered into batches cost half.
    """
    listed: Mapping[str, Price] = list_prices() if spec.bills else {}
    price = own.get(spec.label) or listed.get(spec.label)
    if price is None:
        return None
    in_batches = getattr(getattr(spec, "runtime", None), "batch", False) is True
    share = 0.5 if in_batches else 1.0
    return Price(input=price.input * share, output=price.output * share)


@cache
def list_prices() -> dict[str, Listed]:
    """The list prices that ship with the package, by the model's name on its server."""
    text = files("openbezoar.models").joinpath("prices.yaml").read_text(encoding="utf-8")
    return {name: Listed(**price) for name, price in yaml.safe_load(text)["models"].items()}
