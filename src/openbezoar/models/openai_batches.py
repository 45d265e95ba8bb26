"""OpenAI's Batch API: requests in a file, answers in two, one for those that failed."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from openbezoar.errors import ParseError
from openbezoar.families import Request
from openbezoar.models.batches import BatchApi, readable
from openbezoar.models.ledger import Answer, Sent
from openbezoar.models.retrying import Trouble
from openbezoar.models.statuses import REFUSED
from openbezoar.records import Completion

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

__all__ = ["OpenAIBatches"]

MARK = "openbezoar"
"""The field of a batch's metadata that holds our own name for it."""
RUNNING = {"validating", "in_progress", "finalizing", "cancelling"}
LISTED = 1000
"""The latest batches among which one is looked for."""


class OpenAIBatches(BatchApi):
    """Batches of chat completions; how one is asked and read, the model says."""

    def __init__(
        self,
        client: "openai.AsyncOpenAI",
        fields_of: Callable[[Request], dict[str, Any]],
        read: Callable[[Any], Completion],
        explained: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.account = str(client.base_url)
        self._client = client
        self._fields_of = fields_of
        self._read = read
        self._explained = explained

    def fields_of(self, request: Request) -> dict[str, Any]:
        """The request in the words of the protocol, nothing apart for the client's sake."""
        fields = dict(self._fields_of(request))
        extra = fields.pop("extra_body", {})
        return {**fields, **extra}

    async def submit(self, token: str, asked: Mapping[str, dict[str, Any]]) -> str:
        """Send requests, by key; the batch's name."""
        lines = [_line(key, fields) for key, fields in asked.items()]
        with self._explained():
            file = await self._client.files.create(
                file=(f"{token}.jsonl", "".join(lines).encode()), purpose="batch"
            )
            batch = await self._client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={MARK: token},
            )
        return batch.id

    async def find(self, sent: Sent, known: set[str]) -> str | None:
        """The batch that bears our name for it."""
        seen = 0
        with self._explained():
            async for batch in self._client.batches.list(limit=100):
                seen += 1
                if (batch.metadata or {}).get(MARK) == sent.token:
                    return batch.id
                if seen == LISTED:
                    break
        return None

    async def ended(self, name: str) -> bool:
        """Whether the answers are there; ParseError for a batch that was refused as a whole."""
        with self._explained():
            batch = await self._client.batches.retrieve(name)
        if batch.status == "failed":
            raise ParseError("refused by the server", _faults(batch))
        return batch.status not in RUNNING

    async def answers(self, name: str) -> AsyncIterator[tuple[str, Answer]]:
        """The answers by key; what expired, was cancelled or met a fault of theirs has none."""
        with self._explained(), _unbroken(name):
            batch = await self._client.batches.retrieve(name)
            for file in (batch.output_file_id, batch.error_file_id):
                if file:
                    async for line in self._lines(file):
                        answer = self._answer(line)
                        if answer is not None:
                            yield line["custom_id"], answer

    async def _lines(self, file: str) -> AsyncIterator[dict[str, Any]]:
        async with self._client.files.with_streaming_response.content(file) as content:
            async for line in content.iter_lines():
                if line.strip():
                    yield json.loads(line)

    def _answer(self, line: dict[str, Any]) -> Answer | None:
        reply = line.get("response") or {}
        status, body = reply.get("status_code"), reply.get("body")
        if status == 200 and isinstance(body, dict):
            return readable(self._read, body)
        if status in REFUSED:
            said = " ".join(str(((body or {}).get("error") or {}).get("message")).split())[:300]
            return ParseError("refused by the server", said)
        return None


def _line(key: str, fields: dict[str, Any]) -> str:
    asked = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": fields}
    return json.dumps(asked) + "\n"


@contextmanager
def _unbroken(name: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, json.JSONDecodeError):
        raise Trouble(f"the answers of the batch {name} broke off") from None


def _faults(batch: "Batch") -> str:
    faults = (batch.errors.data if batch.errors else None) or []
    return "; ".join(str(fault.message) for fault in faults[:3])[:300]
