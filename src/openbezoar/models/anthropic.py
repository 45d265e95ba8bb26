"""Models of Anthropic's Messages API, through the official client."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue

from openbezoar.errors import MissingExtra, ModelError
from openbezoar.families import ChatModel, Request
from openbezoar.models.anthropic_batches import AnthropicBatches
from openbezoar.models.batches import batched
from openbezoar.models.endpoint import Endpoint, Served
from openbezoar.models.keys import is_loopback
from openbezoar.models.retrying import Trouble
from openbezoar.models.statuses import failure_of
from openbezoar.records import Completion

if TYPE_CHECKING:
    import anthropic

__all__ = ["Anthropic", "AnthropicEndpoint", "AnthropicModel"]

WITH_SAMPLING = "2023-06-01"
"""The latest version of the API in which a model can be told a temperature or a top_p."""
REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Why an answer ended, in the words of the other models; a `refusal` keeps its name."""


class AnthropicEndpoint(Endpoint):
    """Where the server is and how hard to press it."""

    base_url: str = "https://api.anthropic.com"
    """The address, without a version."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "ANTHROPIC_API_KEY"
    """The name of the environment variable that holds the key; never the key itself."""


class Anthropic(Served):
    """A model of Anthropic's."""

    kind: Literal["anthropic"] = "anthropic"
    model: str
    """The model's name, such as `claude-sonnet-5`."""
    omit: tuple[Literal["temperature", "top_p", "stop"], ...] = ("temperature", "top_p")
    """Settings that are not sent: today's models refuse temperature and top_p, those before 4.7
    take one of the two."""
    extra: dict[str, JsonValue] = {}
    """Further fields of the request, such as `thinking`."""
    runtime: AnthropicEndpoint = AnthropicEndpoint()

    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Open a client, one that remembers its batches in the folder if it sends any."""
        return self._opened(self.key(), folder)

    @asynccontextmanager
    async def _opened(self, key: str, folder: Path | None) -> AsyncIterator[ChatModel]:
        async with _client(self, key) as client:
            model = AnthropicModel(self, client)
            if not self.runtime.batch:
                yield model
                return
            api = AnthropicBatches(client, model.fields_of, model.completion, model.explained)
            async with batched(model, api, self.runtime, folder) as gathered:
                yield gathered


class AnthropicModel(ChatModel):
    """A client that tells what another try may mend from what it cannot."""

    def __init__(self, spec: Anthropic, client: "anthropic.AsyncAnthropic") -> None:
        self.name = spec.label
        self._spec = spec
        self._client = client

    async def complete(self, request: Request) -> Completion:
        """Ask the server once; Trouble when another try may succeed."""
        asked = self.fields_of(request)
        # The client has no argument for a temperature, so what can be left out goes around it.
        required = {name: asked.pop(name) for name in ("model", "max_tokens", "messages")}
        with self.explained():
            reply = await self._client.messages.create(**required, extra_body=asked)
        return self.completion(reply)

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request in the words of the protocol."""
        sampling = request.sampling
        system = [one.content for one in request.messages if one.role == "system"]
        turns = [one.model_dump() for one in request.messages if one.role != "system"]
        chosen = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
        }
        sent = {name: value for name, value in chosen.items() if name not in self._spec.omit}
        stops = sent.pop("stop", None)
        return {
            "model": self._spec.model,
            "max_tokens": sampling.max_tokens,
            "messages": turns,
            **({"system": "\n\n".join(system)} if system else {}),
            **({"stop_sequences": stops} if stops else {}),
            **sent,
            **self._spec.extra,
            **self._shape(request.json_schema),
        }

    def _shape(self, schema: dict[str, JsonValue] | None) -> dict[str, Any]:
        import anthropic

        if schema is None:
            return {}
        settings = self._spec.extra.get("output_config")
        shape = {"type": "json_schema", "schema": anthropic.transform_schema(dict(schema))}
        return {
            "output_config": {**(settings if isinstance(settings, dict) else {}), "format": shape}
        }

    def completion(self, reply: Any) -> Completion:
        """The answer in a reply; ModelError when the reply is something else."""
        from anthropic.types import Message

        if not (isinstance(reply, Message) and isinstance(reply.content, list) and reply.usage):
            raise ModelError(self._at("did not answer with a message; mend `runtime.base_url`"))
        used = reply.usage
        stored = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
        reason = reply.stop_reason or ""
        return Completion(
            text="".join(block.text for block in reply.content if block.type == "text"),
            finish_reason=REASONS.get(reason, reason),
            tokens_in=used.input_tokens + stored,
            tokens_out=used.output_tokens,
            model=self.name,
        )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the client's errors into ours."""
        import anthropic
        import httpx2

        try:
            yield
        except anthropic.APIStatusError as error:
            variable = self._spec.runtime.api_key_env
            key = self._client.api_key or ""
            raise failure_of(error, self._at(), key, variable) from None
        except anthropic.APITimeoutError:
            raise Trouble(self._at("did not answer in time; raise `runtime.timeout`")) from None
        except anthropic.APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.ConnectError):
                what = "cannot be reached; look at the network or mend `runtime.base_url`"
                raise Trouble(self._at(what), "away") from None
            raise Trouble(self._at("broke off the connection")) from None
        except httpx2.HTTPError:
            raise Trouble(self._at("broke off the connection")) from None
        except JSONDecodeError:
            raise Trouble(self._at("answered with broken JSON")) from None

    def _at(self, what: str = "") -> str:
        return f"model {self.name!r} at {self._spec.runtime.base_url} {what}".rstrip()


def _client(spec: Anthropic, key: str) -> "anthropic.AsyncAnthropic":
    try:
        import anthropic
    except ImportError:
        raise MissingExtra(
            "models of kind anthropic need its client; pip install 'openbezoar[anthropic]'"
        ) from None
    import httpx2

    runtime = spec.runtime
    older = not {"temperature", "top_p"} <= set(spec.omit)
    return anthropic.AsyncAnthropic(
        api_key=key,
        base_url=runtime.base_url,
        timeout=runtime.timeout,
        max_retries=0,
        default_headers={"anthropic-version": WITH_SAMPLING} if older else None,
        http_client=anthropic.DefaultAsyncHttpxClient(
            # A proxy set for the outside world must not be asked for an address on this machine.
            trust_env=not is_loopback(runtime.base_url),
            limits=httpx2.Limits(max_keepalive_connections=runtime.concurrency),
        ),
        open_telemetry=False,
    )
