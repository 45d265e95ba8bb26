"""Asks a model in OpenAI's chat completions: requests written, replies read, errors told."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json

from openbezoar.errors import ConfigError, ModelError
from openbezoar.families import ChatModel, Piece, Request
from openbezoar.models.counting import SERVER, count_tokens
from openbezoar.models.retrying import Trouble
from openbezoar.models.statuses import failure_of
from openbezoar.records import Completion

if TYPE_CHECKING:
    import openai

    from openbezoar.models.openai import OpenAI

__all__ = ["OpenAIModel"]

SEEDS = 2**31
"""Servers disagree on the size of a seed; every one takes 31 bits."""


class OpenAIModel(ChatModel):
    """A client that tells what another try may mend from what it cannot."""

    def __init__(self, spec: "OpenAI", client: "openai.AsyncOpenAI") -> None:
        self.name = spec.label
        self._spec = spec
        self._client = client

    async def complete(self, request: Request) -> Completion:
        """Ask the server once; Trouble when another try may succeed."""
        asked = self.fields_of(request)
        with self.explained():
            raw = await self._client.chat.completions.with_raw_response.create(**asked)
        try:
            said = from_json(raw.content)
        except ValueError:
            raise Trouble(self._at("answered with broken JSON; look at its log")) from None
        return self.completion(said)

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The answer in pieces, as the server sends them."""
        with self.explained():
            asked = self.fields_of(request)
            async with await self._client.chat.completions.create(**asked, stream=True) as pieces:
                async for piece in pieces:
                    for choice in piece.choices[:1]:
                        told = Piece(choice.delta.content or "", choice.finish_reason or "")
                        if any(told):
                            yield told

    async def count_tokens(self, text: str) -> int:
        """The tokens by the spec's tokenizer."""
        if self._spec.tokenizer is None:
            return await super().count_tokens(text)
        if self._spec.tokenizer == SERVER:
            return await self._counted_there(text)
        return count_tokens(self._spec.tokenizer, text)

    async def _counted_there(self, text: str) -> int:
        from httpx2 import Response
        from openai import NotFoundError

        # One body for two servers: each reads its own fields and passes the other's by.
        body = {"model": self._spec.model, "prompt": text, "add_special_tokens": False}
        body |= {"content": text, "add_special": False}
        address = urljoin(self._spec.runtime.base_url.rstrip("/"), "tokenize")
        with self.explained():
            try:
                reply = await self._client.post(address, cast_to=Response, body=body)
                said = from_json(reply.content)
            except (NotFoundError, ValueError):
                said = None
        tokens = said.get("tokens") if isinstance(said, dict) else None
        if not isinstance(tokens, list):
            raise ConfigError(
                f"{self._at()} does not count tokens at {address}; name its `tokenizer` by a "
                "folder or a name on the hub"
            )
        return len(tokens)

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request in the words of the protocol."""
        return fields_of(request, self._spec)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the client's errors into ours."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            variable = self._spec.runtime.api_key_env
            raise failure_of(error, self._at(), self._client.api_key, variable) from None
        except openai.APITimeoutError:
            raise Trouble(self._at("did not answer in time; raise `runtime.timeout`")) from None
        except openai.APIConnectionError as error:
            raise self._unconnected(error) from None

    def completion(self, said: JsonValue) -> Completion:
        """The answer in a reply; ModelError when the reply is something else."""
        try:
            reply = _Reply.model_validate(said)
        except ValidationError:
            raise ModelError(
                self._at("did not answer with a chat completion; `runtime.base_url` ends in /v1?")
            ) from None
        choice = reply.choices[0] if reply.choices else _Choice()
        # every request holds tokens: a server that says 0 does not count
        usage = reply.usage if reply.usage and reply.usage.prompt_tokens else _Usage()
        return Completion(
            text=(choice.message.content if choice.message else None) or "",
            finish_reason=choice.finish_reason or "",
            tokens_in=usage.prompt_tokens,
            tokens_out=usage.completion_tokens,
            model=self.name,
        )

    def _unconnected(self, error: Exception) -> Trouble:
        import httpx2

        if isinstance(error.__cause__, httpx2.ConnectError):
            what = "cannot be reached; start the server or mend `runtime.base_url`"
            return Trouble(self._at(what), "away")
        return Trouble(self._at("broke off the connection"))

    def _at(self, what: str = "") -> str:
        return f"model {self.name!r} at {self._spec.runtime.base_url} {what}".rstrip()


class _Message(BaseModel):
    """The part of a reply's message that is read."""

    content: str | None = None


class _Choice(BaseModel):
    """The part of a reply's choice that is read."""

    message: _Message | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    """The part of a reply's usage that is read."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(BaseModel):
    """The part of a reply that is read; everything else may be as the server likes."""

    choices: list[_Choice] | None
    usage: _Usage | None = None


def fields_of(request: Request, spec: "OpenAI") -> dict[str, Any]:
    """The request in the words of the protocol."""
    sampling = request.sampling
    chosen: Mapping[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": list(sampling.stop) or None,
        "seed": (request.seed + 7919 * request.attempt) % SEEDS,
    }
    asked = {k: v for k, v in chosen.items() if v is not None and k not in spec.omit}
    if request.json_schema is not None and "response_format" not in spec.omit:
        shape = {"name": "answer", "schema": request.json_schema, "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": shape}
    seed = {"seed": asked.pop("seed")} if "seed" in asked else {}
    return {
        "model": spec.model,
        "messages": [message.model_dump() for message in request.messages],
        spec.tokens_field: sampling.max_tokens,
        "extra_body": {**seed, **spec.extra},
        **asked,
    }
