"""Any server that speaks OpenAI's chat completions, through the official client."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, Field, JsonValue, ValidationError, field_validator
from pydantic_core import from_json

from openbezoar import hub
from openbezoar.component import science
from openbezoar.errors import ConfigError, ModelError
from openbezoar.families import ChatModel, ModelSpec, Request
from openbezoar.models.batches import Batching, batched
from openbezoar.models.counting import count_tokens, load_tokenizer
from openbezoar.models.keys import is_loopback, key_for
from openbezoar.models.limits import Limits
from openbezoar.models.openai_batches import OpenAIBatches
from openbezoar.models.pools import Pools
from openbezoar.models.retrying import Trouble
from openbezoar.models.statuses import failure_of
from openbezoar.records import Completion

if TYPE_CHECKING:
    import openai

__all__ = ["SERVER", "Endpoint", "OpenAI", "OpenAIModel", "served_at"]

SERVER = "server"
"""Stands, as a tokenizer's name, for the server that answers."""

SEEDS = 2**31
"""Servers disagree on the size of a seed; every one takes 31 bits."""


class Endpoint(Limits, Batching):
    """Where the server is and how hard to press it."""

    base_url: str = "https://api.openai.com/v1"
    """The address, up to and including the version: `http://127.0.0.1:8000/v1`."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_API_KEY"
    """The name of the environment variable that holds the key; never the key itself."""
    timeout: float = Field(600.0, gt=0)
    """Seconds to wait for one answer."""
    concurrency: int = Field(16, ge=1)
    """Requests in flight at a time; fewer while the server says that it is busy."""

    @property
    def in_flight(self) -> int:
        """The concurrency; a whole batch where requests are gathered."""
        return self.batch_size if self.batch else self.concurrency

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

    bills: ClassVar[bool] = True
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
    tokenizer: str | None = None
    """What counts this model's tokens, where a part asks for that: `server`, which must know
    /tokenize as those of vLLM and llama.cpp do, or the tokenizer.json in a folder or of a name on
    the hub."""
    runtime: Endpoint = Endpoint()

    @property
    def label(self) -> str:
        """The model's name on the server."""
        return self.model

    @property
    def counts(self) -> bool:
        """With a tokenizer, it does."""
        return self.tokenizer is not None

    def evidence(self) -> JsonValue:
        """The digest of a local tokenizer."""
        return hub.identity(Path(self.tokenizer) / "tokenizer.json") if self.tokenizer else None

    def identity(self) -> JsonValue:
        """A tokenizer changes no answer: to name one later keeps what was answered before."""
        return {"model": science(self.model_copy(update={"tokenizer": None})), "evidence": None}

    @property
    def travels(self) -> bool:
        """Batches are gathered in one place, and an address on this machine means this machine."""
        return not self.runtime.batch and not is_loopback(self.runtime.base_url)

    def sends_key(self) -> tuple[str, str]:
        """The key goes to the server."""
        return self.runtime.api_key_env, self.runtime.base_url

    def check_ready(self) -> None:
        """The key must be in the environment, and the tokenizer here."""
        key_for(self.runtime.base_url, self.runtime.api_key_env)
        if self.tokenizer not in (None, SERVER):
            load_tokenizer(self.tokenizer)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Find the key and open a client; nothing is asked yet."""
        return self.connect_in(None)

    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Open a client, one that remembers its batches in the folder if it sends any."""
        key = key_for(self.runtime.base_url, self.runtime.api_key_env)
        return served_at(self, key, folder)


@asynccontextmanager
async def served_at(spec: OpenAI, key: str, folder: Path | None = None) -> AsyncIterator[ChatModel]:
    """Open a client for the server at the spec's address; it does not try again by itself."""
    import openai

    # A proxy set for the outside world must not be asked for an address on this machine.
    outside = not is_loopback(spec.runtime.base_url)
    transport = openai.DefaultAsyncHttpxClient(
        trust_env=outside, transport=Pools(spec.runtime.concurrency, outside)
    )
    async with openai.AsyncOpenAI(
        api_key=key,
        base_url=spec.runtime.base_url,
        timeout=spec.runtime.timeout,
        max_retries=0,
        http_client=transport,
    ) as client:
        model = OpenAIModel(spec, client)
        if not spec.runtime.batch:
            yield model
            return
        api = OpenAIBatches(client, model.fields_of, model.completion, model.explained)
        async with batched(model, api, spec.runtime, folder) as gathered:
            yield gathered


class OpenAIModel(ChatModel):
    """A client that tells what another try may mend from what it cannot."""

    def __init__(self, spec: OpenAI, client: "openai.AsyncOpenAI") -> None:
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

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer in pieces, as the server sends them."""
        with self.explained():
            asked = self.fields_of(request)
            async with await self._client.chat.completions.create(**asked, stream=True) as pieces:
                async for piece in pieces:
                    for choice in piece.choices[:1]:
                        if choice.delta.content:
                            yield choice.delta.content

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
