"""A model that answers from a script: for tests and for trying a recipe without a model."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from openbezoar.component import Component
from openbezoar.errors import ModelError
from openbezoar.families import ChatModel, ModelSpec, Request
from openbezoar.records import Completion

__all__ = ["Line", "Scripted", "ScriptedModel"]


class Line(Component):
    """One line of the script: a reply for every request that matches."""

    match: str = ""
    """A regular expression looked for in the last message; empty matches everything."""
    reply: str
    """The answer; `\\1` and the like stand for the groups of the match."""
    finish_reason: str = "stop"


class Scripted(ModelSpec):
    """Answers each request with the first line that matches it."""

    kind: Literal["scripted"] = "scripted"
    lines: tuple[Line, ...]

    @property
    def label(self) -> str:
        """A scripted model has no other name."""
        return "scripted"

    @property
    def travels(self) -> bool:
        """A script says the same everywhere."""
        return True

    @property
    def counts(self) -> bool:
        """Its tokens are words."""
        return True

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Open the script."""
        return self._connected()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ChatModel]:
        yield ScriptedModel(self._answer)

    def _answer(self, request: Request) -> Completion:
        asked = request.messages[-1].content
        for line in self.lines:
            if found := re.search(line.match, asked, re.DOTALL):
                reply = found.expand(line.reply) if line.match else line.reply
                return complete_with(reply, request, line.finish_reason)
        raise ModelError(f"scripted model: no line matches {asked[:60]!r}; add one to the script")


class ScriptedModel(ChatModel):
    """Answers with what a function says, and remembers every request."""

    name = "scripted"

    def __init__(self, answer: Callable[[Request], Completion | str]) -> None:
        self._answer = answer
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        """Ask the function."""
        self.requests.append(request)
        answer = self._answer(request)
        return answer if isinstance(answer, Completion) else complete_with(answer, request)

    async def count_tokens(self, text: str) -> int:
        """The words."""
        return len(text.split())


def complete_with(text: str, request: Request, finish_reason: str = "stop") -> Completion:
    """A completion whose token counts are counts of words."""
    asked = sum(len(message.content.split()) for message in request.messages)
    return Completion(
        text=text,
        finish_reason=finish_reason,
        tokens_in=asked,
        tokens_out=len(text.split()),
        model="scripted",
    )
