"""Anthropic's Message Batches API: requests in one call, answers as lines known by key."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from openbezoar.errors import ParseError
from openbezoar.families import Request
from openbezoar.models.batches import BatchApi, readable
from openbezoar.models.ledger import Answer, Sent
from openbezoar.records import Completion

if TYPE_CHECKING:
    import anthropic

__all__ = ["AnthropicBatches"]

CLOCKS = 600.0
"""Seconds that the provider's clock and ours may differ."""


class AnthropicBatches(BatchApi):
    """Batches of messages; how one message is asked and read, the model says."""

    def __init__(
        self,
        client: "anthropic.AsyncAnthropic",
        fields_of: Callable[[Request], dict[str, Any]],
        read: Callable[[Any], Completion],
        explained: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.account = str(client.base_url)
        self._batches = client.messages.batches
        self._fields_of = fields_of
        self._read = read
        self._explained = explained

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request in the words of the protocol."""
        return self._fields_of(request)

    async def submit(self, token: str, asked: Mapping[str, dict[str, Any]]) -> str:
        """Send requests, by key; the batch's name."""
        requests: Any = [{"custom_id": key, "params": fields} for key, fields in asked.items()]
        with self._explained():
            batch = await self._batches.create(requests=requests)
        return batch.id

    async def find(self, sent: Sent, known: set[str]) -> str | None:
        """The batch of this size and time; it bears no mark, only its answers tell whose it is."""
        with self._explained():
            async for batch in self._batches.list(limit=100):
                if batch.created_at.timestamp() < sent.at - CLOCKS:
                    return None
                counts = batch.request_counts
                size = counts.processing + counts.succeeded + counts.errored
                size += counts.canceled + counts.expired
                if size == sent.size and batch.id not in known:
                    return batch.id
        return None

    async def ended(self, name: str) -> bool:
        """Whether the answers are there."""
        with self._explained():
            batch = await self._batches.retrieve(name)
        return batch.processing_status == "ended"

    async def answers(self, name: str) -> AsyncIterator[tuple[str, Answer]]:
        """The answers by key; what expired, was cancelled or met a fault of theirs has none."""
        with self._explained():
            async for line in await self._batches.results(name):
                result = line.result
                if result.type == "succeeded":
                    yield line.custom_id, readable(self._read, result.message)
                elif (
                    result.type == "errored" and result.error.error.type == "invalid_request_error"
                ):
                    said = " ".join(result.error.error.message.split())[:300]
                    yield line.custom_id, ParseError("refused by the server", said)
