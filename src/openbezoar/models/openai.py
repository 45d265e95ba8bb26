"""Any server that speaks OpenAI's chat completions, through the official client."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from openbezoar import hub
from openbezoar.component import science
from openbezoar.families import ChatModel
from openbezoar.models.batches import batched
from openbezoar.models.counting import SERVER, load_tokenizer
from openbezoar.models.endpoint import Served
from openbezoar.models.keys import is_loopback
from openbezoar.models.openai_batches import OpenAIBatches
from openbezoar.models.openai_model import OpenAIModel
from openbezoar.models.pools import Pools

__all__ = ["OpenAI", "served_at"]


class OpenAI(Served):
    """A model behind an OpenAI-compatible server."""

    kind: Literal["openai"] = "openai"
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

    def check_ready(self) -> None:
        """The key must be in the environment, and the tokenizer here."""
        super().check_ready()
        if self.tokenizer not in (None, SERVER):
            load_tokenizer(self.tokenizer)

    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Open a client, one that remembers its batches in the folder if it sends any."""
        return served_at(self, self.key(), folder)


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
