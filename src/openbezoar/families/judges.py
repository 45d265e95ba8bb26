"""A judge: what grades an answer."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import JsonValue

from openbezoar.component import Component
from openbezoar.families.models import ChatModel, ModelSpec
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
