"""A judge: what grades an answer."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.expected import Expected, Length, answer_of
from openbezoar.families.models import ChatModel, ModelSpec
from openbezoar.ranges import ONE, Range
from openbezoar.records import Grade


class Judge(Component, ABC):
    """Grades an answer, or says that it cannot."""

    kind: str
    model: str
    """The recipe's name of the model that judges."""

    @abstractmethod
    async def grade(self, row: Any, model: ChatModel) -> Grade:
        """Grade one example; a Grade without status when the reply is unreadable."""

    def check_model(self, spec: ModelSpec) -> None:
        """Raise ConfigError when this model cannot do what will be asked of it."""
        return

    def evidence(self) -> JsonValue:
        """What else determines the grades: its prompts' fingerprints."""
        return None

    def expects(self, row: Length) -> Expected:
        """About what one grade asks, for rows of this length."""
        return Expected(
            requests=Range(low=1, likely=1, high=2),
            tokens_in=row.asked + row.answered + Range(low=100, likely=300, high=600),
            tokens_out=answer_of(getattr(self, "max_tokens", 400)),
            rows=ONE,
        )
