"""A small HTTP server on loopback that can delay, break and garble what it answers."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Reply", "completion", "listening"]

Answer = Callable[[dict[str, Any]], "Reply"]
RESET_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Reply:
    """What one request gets, and how."""

    body: bytes = b""
    status: int = 200
    headers: tuple[str, ...] = ()
    """Further header lines, such as `Retry-After: 1`."""
    delay: float = 0.0
    ends: Literal["whole", "half", "unsaid"] = "whole"
    """Where the connection is reset: after the body it stays open."""


def completion(text: str, finish_reason: str = "stop") -> bytes:
    """A chat completion whose tokens are counted in words."""
    message = {"role": "assistant", "content": text}
    words = len(text.split())
    reply = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": words, "total_tokens": 10 + words},
    }
    return json.dumps(reply, ensure_ascii=False).encode()


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """Serve in a thread of its own; the address."""
    loop = asyncio.new_event_loop()
    open_: set[Connection] = set()
    server = loop.run_until_complete(
        loop.create_server(lambda: Connection(answer, open_), "127.0.0.1", 0, backlog=1024)
    )
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(_close(server, open_), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Connection(asyncio.Protocol):
    """Answers the requests of one client, one after the other."""

    def __init__(self, answer: Answer, open_: "set[Connection]") -> None:
        self._answer = answer
        self._open = open_
        self._read = b""
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        if not found or len(body) < sum(lengths):
            return
        self._read = b""
        reply = self._answer(json.loads(body))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(reply.delay, self._send, reply)

    def _send(self, reply: Reply) -> None:
        lines = [
            f"HTTP/1.1 {reply.status} -",
            "Content-Type: application/json",
            f"Content-Length: {len(reply.body)}",
            *reply.headers,
        ]
        whole = "\r\n".join([*lines, "", ""]).encode() + reply.body
        if reply.ends == "unsaid":
            self._reset()
        elif reply.ends == "half":
            self.transport.write(whole[: -len(reply.body) // 2])
            # Not at once, so that the half arrives.
            asyncio.get_running_loop().call_later(0.01, self.transport.close)
        else:
            self.transport.write(whole)

    def _reset(self) -> None:
        end = self.transport.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        self.transport.abort()


async def _close(server: asyncio.Server, open_: set[Connection]) -> None:
    server.close()
    for connection in list(open_):
        connection.transport.abort()
    # Their ends are told in the loop's next round.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
