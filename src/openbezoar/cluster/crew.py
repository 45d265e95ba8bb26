"""The driver's side: workers kept at work, rows and requests handed to them, deaths outlived."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

from openbezoar import __version__
from openbezoar.cluster.hand import Hand, Peer, WorkerDied
from openbezoar.cluster.wire import End, distant
from openbezoar.errors import ConfigError, ModelError
from openbezoar.families import ChatModel, Scorer

__all__ = ["Crew"]

LIVES = 4
"""Workers that may die with the same row or request at work, or before their first word."""
PATIENCE = 300.0
"""Seconds to wait for room in the cluster while no worker is there."""


class Crew:
    """Workers that run rows; a worker that dies is replaced, and its rows are run by others."""

    def __init__(
        self,
        start: Callable[[], Peer],
        model: ChatModel,
        share: int,
        say: Callable[[str], None],
        patience: float = PATIENCE,
    ) -> None:
        self._start = start
        self._model = model
        self._share = share
        self._say = say
        self._patience = patience
        self._hands: list[Hand] = []
        self._ends: list[End] = []
        self._turns: list[asyncio.Future[None]] = []
        self._failure: BaseException | None = None

    @asynccontextmanager
    async def at_work(self, workers: int) -> AsyncIterator[None]:
        """Keep this many workers for as long as the context lasts."""
        self._say(f"waits for room in the cluster, workers: {workers}")
        keepers = [asyncio.create_task(self._keep()) for _ in range(workers)]
        for keeper in keepers:
            keeper.add_done_callback(self._ended)
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            for end in self._ends:
                await end.close()
            self._failure = self._failure or ModelError("the workers of the cluster have gone")

    async def run(self, row: Any) -> Any:
        """What comes of a row, from whichever worker lives to tell."""
        return await self._insist("row", self._share, lambda end: end.call("row", row))

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[ChatModel]:
        """The model as the workers open it: each request is sent by one of them."""
        yield distant(self._model.name, self._send, isinstance(self._model, Scorer))

    async def _send(self, what: str, *given: Any) -> Any:
        return await self._insist("request", None, lambda end: end.call(what, *given))

    async def _insist(
        self,
        kind: Literal["row", "request"],
        most: int | None,
        call: Callable[[End], Awaitable[Any]],
    ) -> Any:
        for _ in range(LIVES):
            hand = await self._least_busy(kind, most)
            hand.busy[kind] += 1
            try:
                return await call(hand.end)
            except WorkerDied as error:
                died = error
            finally:
                hand.busy[kind] -= 1
                self._wake()
        raise ModelError(
            f"{LIVES} workers died with the same {kind} at work, the last because {died}; look at "
            "the memory of their machines; the same command continues from here"
        )

    async def _least_busy(self, kind: str, most: int | None) -> Hand:
        while True:
            if self._failure is not None:
                raise self._failure
            free = [hand for hand in self._hands if most is None or hand.busy[kind] < most]
            if free:
                return min(free, key=lambda hand: hand.busy[kind])
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._turns.append(turn)
            await turn

    def _wake(self) -> None:
        for turn in self._turns:
            if not turn.done():
                turn.set_result(None)
        self._turns.clear()

    async def _keep(self) -> None:
        """Keep one worker: when it dies, start another."""
        silent = 0
        while silent < LIVES:
            hand = Hand(self._start(), End(self._answer))
            died = WorkerDied("it was not needed any more")
            try:
                await self._greet(hand)
                await hand.talk()
            except WorkerDied as error:
                died = error
                self._say(f"a worker on {hand.host or 'its way'} died: {died}")
            finally:
                self._dismiss(hand, died)
            silent = 0 if hand.host else silent + 1
        raise ModelError(
            f"no worker can start, {LIVES} died before their first word, the last because {died}; "
            "look at Ray's logs"
        )

    async def _greet(self, hand: Hand) -> None:
        greeting = asyncio.ensure_future(hand.peer.hello())
        try:
            while not (await asyncio.wait([greeting], timeout=self._patience))[0]:
                if not self._hands:
                    raise ModelError(
                        f"no worker found room in the cluster for {self._patience:g} s; each takes "
                        "a processor and the `gpus` of `runtime`: look at `ray status`, ask for "
                        "fewer or add machines"
                    )
            hello = greeting.result()
        finally:
            greeting.cancel()
        if hello.version != __version__:
            raise ConfigError(
                f"{hello.host} has openbezoar {hello.version}, this machine {__version__}; install "
                "the same version everywhere"
            )
        hand.host = hello.host
        self._hands.append(hand)
        self._ends.append(hand.end)
        self._wake()
        machines = len({one.host for one in self._hands})
        self._say(f"workers: {len(self._hands)}, on machines: {machines}")

    def _dismiss(self, hand: Hand, died: WorkerDied) -> None:
        hand.peer.kill()
        if hand in self._hands:
            self._hands.remove(hand)
        hand.end.hang_up(died)

    async def _answer(self, what: str, given: tuple[Any, ...]) -> Any:
        """A worker's question to the model; it is seen to its end even if that worker dies."""
        return await getattr(self._model, what)(*given)

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        if keeper.cancelled():
            return
        self._failure = keeper.exception()
        for hand in self._hands:
            if isinstance(self._failure, Exception):
                hand.end.hang_up(self._failure)
        self._wake()
