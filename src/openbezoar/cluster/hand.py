"""One worker as the driver reaches it, and the letters carried to and fro while it lives."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from openbezoar.cluster.wire import End, Letter
from openbezoar.cluster.worker import Hello

__all__ = ["Hand", "Peer", "WorkerDied"]


class WorkerDied(Exception):
    """A worker is gone, for the reason given; what it had at work is given to another."""


class Peer(Protocol):
    """A worker as it is reached; every method raises WorkerDied when it is gone."""

    async def hello(self) -> Hello:
        """Wait until it is there."""

    async def give(self) -> list[Letter]:
        """Wait for its letters."""

    async def take(self, letters: Sequence[Letter]) -> None:
        """Bring it letters."""

    def kill(self) -> None:
        """End it at once, if it lives."""


class Hand:
    """One worker of a crew, and how much it has at work."""

    def __init__(self, peer: Peer, end: End) -> None:
        self.peer = peer
        self.end = end
        self.host = ""
        self.busy = {"row": 0, "request": 0}

    async def talk(self) -> None:
        """Carry letters both ways until the worker dies."""
        both = [asyncio.create_task(self._fetch()), asyncio.create_task(self._bring())]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _fetch(self) -> None:
        while True:
            self.end.receive(await self.peer.give())

    async def _bring(self) -> None:
        while True:
            await self.peer.take(await self.end.outgoing())
