"""The money and tokens of a whole run: its own budget, and one for each model that has one."""

from collections.abc import Mapping

from openbezoar.deadline import Deadline
from openbezoar.errors import ConfigError
from openbezoar.families import ModelSpec
from openbezoar.models.budget import Account, Budget, Purse, RunBudget
from openbezoar.models.limits import limits_of
from openbezoar.models.prices import Price, price_of

__all__ = ["Spending", "check_prices"]


class Spending:
    """Counts over all stages and models of one run."""

    def __init__(
        self, budget: Budget | None = None, prices: Mapping[str, Price] | None = None
    ) -> None:
        self._prices = prices or {}
        self.deadline = Deadline.after(budget.hours if isinstance(budget, RunBudget) else None)
        self._shared = [Purse("the recipe", budget, self.deadline)] if budget else []
        self._own: dict[str, Purse] = {}

    def account(self, spec: ModelSpec) -> Account:
        """What pays for this model: its own purse, where it has one, and the run's."""
        return Account(spec, [*self._purse(spec), *self._shared], self._prices)

    def _purse(self, spec: ModelSpec) -> list[Purse]:
        limits = limits_of(spec)
        if limits is None or limits.budget is None:
            return []
        key = spec.model_dump_json()
        return [self._own.setdefault(key, Purse(f"model {spec.label!r}", limits.budget))]


def check_prices(spec: ModelSpec, budget: Budget | None, prices: Mapping[str, Price]) -> None:
    """Raise ConfigError when money is limited and a model that bills has no known price."""
    limits = limits_of(spec)
    budgets = [budget, limits.budget if limits else None]
    limited = any(given is not None and given.usd is not None for given in budgets)
    if limited and spec.bills and price_of(spec, prices) is None:
        raise ConfigError(
            f"model {spec.label!r} has a budget in usd and no known price; add "
            f"`prices: {{{spec.label}: {{input: ..., output: ...}}}}` in usd per million tokens "
            "to the recipe (0 where nobody bills)"
        )
