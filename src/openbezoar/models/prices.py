"""What a model's tokens cost, from the recipe or from a table of public list prices."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from openbezoar.component import Component
from openbezoar.families import ModelSpec

__all__ = ["Price", "price_of"]

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


def price_of(spec: ModelSpec, own: Mapping[str, Price]) -> Price | None:
    """The recipe's own price, else the list price of a model that bills; None when unknown.

    Requests gathered into batches cost half.
    """
    listed = _list_prices() if spec.bills else {}
    price = own.get(spec.label) or listed.get(spec.label)
    in_batches = getattr(getattr(spec, "runtime", None), "batch", False) is True
    if price is None or not in_batches:
        return price
    return Price(input=price.input / 2, output=price.output / 2)


@cache
def _list_prices() -> dict[str, Price]:
    text = files("openbezoar.models").joinpath("prices.yaml").read_text(encoding="utf-8")
    return {name: Price(**price) for name, price in yaml.safe_load(text)["models"].items()}
