"""How a scheme asks its teacher: seeded requests, and answers refused when cut or empty."""

import random
from dataclasses import dataclass

from pydantic import JsonValue

from openbezoar.errors import ParseError
from openbezoar.families import ChatModel, Request, Sampling
from openbezoar.records import CUT, Completion, Message

__all__ = ["Asking", "check_answer"]

WITHHELD = frozenset({"content_filter", "refusal"})
"""The finish reasons of an answer that the provider held back."""


@dataclass(frozen=True)
class Asking:
    """A teacher, how it draws its answers, and the row's random stream that seeds them."""

    teacher: ChatModel
    sampling: Sampling
    stream: random.Random

    async def ask(
        self,
        prompt: str,
        system: str = "",
        attempt: int = 0,
        json_schema: dict[str, JsonValue] | None = None,
    ) -> Completion:
        """The teacher's reply as it came, cut and empty ones included."""
        user = Message(role="user", content=prompt)
        messages = (Message(role="system", content=system), user) if system else (user,)
        return await self.teacher.complete(
            Request(
                messages=messages,
                sampling=self.sampling,
                json_schema=json_schema,
                seed=self.stream.getrandbits(31),
                attempt=attempt,
            )
        )

    async def answer(self, prompt: str, system: str = "") -> Completion:
        """A whole answer, fit to be learned from; ParseError otherwise."""
        completion = await self.ask(prompt, system)
        check_answer(completion)
        return completion


def check_answer(completion: Completion) -> None:
    """Raise ParseError for an answer that was cut, withheld or left empty."""
    if completion.finish_reason in CUT:
        raise ParseError("cut by the token limit", completion.text[-80:])
    if completion.finish_reason in WITHHELD:
        raise ParseError("withheld by the provider")
    if not completion.text.strip():
        raise ParseError("empty answer")
