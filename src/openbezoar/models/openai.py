"""Any server that speaks OpenAI's chat completions, through the official client."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, field_validator

from openbezoar.component import Runtime
from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import ChatModel, ModelSpec, Request
from openbezoar.records import Completion

if TYPE_CHECKING:
    import openai

__all__ = ["Endpoint", "OpenAI", "OpenAIModel", "served_at"]

REFUSED = {400, 413, 422}
"""The statuses that say this one request is at fault, not the server."""
SEEDS = 2**31
"""Servers disagree on the size of a seed; every one takes 31 bits."""


class Endpoint(Runtime):
    """Where the server is and how hard to press it."""

    base_url: str = "https://api.openai.com/v1"
    """The address, up to and including the version: `http://127.0.0.1:8000/v1`."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_API_KEY"
    """The name of the environment variable that holds the key; never the key itself."""
    timeout: float = Field(600.0, gt=0)
    """Seconds to wait for one answer."""
    concurrency: int = Field(16, ge=1)
    """Requests in flight at a time."""
    max_retries: int = Field(6, ge=0)
    """Tries after the first when the server is busy, failing or unreachable."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("must be an address such as http://127.0.0.1:8000/v1")
        if address.username or address.password or address.query:
            raise ValueError("must not carry credentials; name a variable with `api_key_env`")
        return value


class OpenAI(ModelSpec):
    """A model behind an OpenAI-compatible server."""

    kind: Literal["openai"] = "openai"
    model: str
    """The model's name on the server."""
    tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the limit on new tokens."""
    omit: tuple[Literal["temperature", "top_p", "seed", "stop", "response_format"], ...] = ()
    """Settings that this server refuses; they are not sent. Without `response_format` an answer is
    not held to its JSON schema, and what the prompt asks for must do."""
    extra: dict[str, JsonValue] = {}
    """Further fields of the request, such as `top_k`."""
    runtime: Endpoint = Endpoint()

    @property
    def label(self) -> str:
        """The model's name on the server."""
        return self.model

    def check_ready(self) -> None:
        """The key must be in the environment."""
        _key(self.runtime)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Find the key and open a client; nothing is asked yet."""
        return served_at(self, _key(self.runtime))


@asynccontextmanager
async def served_at(spec: OpenAI, key: str) -> AsyncIterator[ChatModel]:
    """Open a client for the server at the spec's address."""
    import openai

    # A proxy set for the outside world must not be asked for an address on this machine.
    transport = openai.DefaultAsyncHttpxClient(trust_env=not _is_loopback(spec.runtime.base_url))
    async with openai.AsyncOpenAI(
        api_key=key,
        base_url=spec.runtime.base_url,
        timeout=spec.runtime.timeout,
        max_retries=spec.runtime.max_retries,
        http_client=transport,
    ) as client:
        yield OpenAIModel(spec, client)


class OpenAIModel(ChatModel):
    """A client that keeps to the spec's concurrency."""

    def __init__(self, spec: OpenAI, client: "openai.AsyncOpenAI") -> None:
        self.name = spec.label
        self._spec = spec
        self._client = client
        self._gate = asyncio.Semaphore(spec.runtime.concurrency)

    async def complete(self, request: Request) -> Completion:
        """Ask the server; one that stays busy or unreachable after all retries is a ModelError."""
        import openai

        asked = fields_of(request, self._spec)
        async with self._gate:
            try:
                reply = await self._client.chat.completions.create(**asked)
            except openai.APIStatusError as error:
                raise self._explained(error.status_code, error.message) from None
            except openai.APITimeoutError:
                raise self._gone("did not answer in time; raise `runtime.timeout`") from None
            except openai.APIConnectionError:
                raise self._gone(
                    "cannot be reached; start the server or mend `runtime.base_url`"
                ) from None
            except ValueError:
                raise self._gone("answered with broken JSON; look at the server's log") from None
        return self._completion(reply)

    def _completion(self, reply: Any) -> Completion:
        from openai.types.chat import ChatCompletion

        if not isinstance(reply, ChatCompletion):
            raise self._gone(
                "did not answer with a chat completion; `runtime.base_url` ends in /v1?"
            )
        choice = reply.choices[0] if reply.choices else None
        return Completion(
            text=(choice.message.content or "") if choice else "",
            finish_reason=(choice.finish_reason or "") if choice else "",
            tokens_in=reply.usage.prompt_tokens if reply.usage else 0,
            tokens_out=reply.usage.completion_tokens if reply.usage else 0,
            model=self.name,
        )

    def _explained(self, status: int, message: str) -> ModelError | ParseError:
        # What a server says about a key may hold the key, so that it is never repeated.
        said = " ".join(message.replace(self._client.api_key, "[key]").split())[:300]
        if status in REFUSED:
            return ParseError("refused by the server", said)
        if status in (401, 403):
            variable = self._spec.runtime.api_key_env
            return self._gone(f"refuses the key ({status}); look at the variable {variable}")
        if status == 404:
            return self._gone(
                "knows no such model or path (404); mend `model` or `runtime.base_url`"
            )
        return self._gone(
            f"failed with status {status} after all retries ({said}); run again later"
        )

    def _gone(self, what: str) -> ModelError:
        return ModelError(f"model {self.name!r} at {self._spec.runtime.base_url} {what}")


def fields_of(request: Request, spec: OpenAI) -> dict[str, Any]:
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


def _key(endpoint: Endpoint) -> str:
    key = os.environ.get(endpoint.api_key_env, "").strip()
    if key:
        return key
    if _is_loopback(endpoint.base_url):
        return "none"
    raise ConfigError(
        f"the environment variable {endpoint.api_key_env} is not set; "
        f"put the key for {endpoint.base_url} there"
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
