"""A server of our own as a child process: started, waited for, stopped, never left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from openbezoar.errors import ModelError

__all__ = ["Child", "free_port", "running"]

LOOK_EVERY = 0.2
GOODBYE = 15.0
"""Seconds to end in peace before being killed."""
SHOWN_LINES = 3
SHOWN_CHARACTERS = 400
LEASH = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs first in the child: asks the kernel (PR_SET_PDEATHSIG) to end it when its parent dies."""


class Child:
    """A running child process and the file that its output goes to."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.log = log
        self._name = name
        self._process = process

    def check(self) -> None:
        """Raise ModelError, with its last words, when it has died."""
        code = self._process.poll()
        if code is not None:
            died = f"by signal {-code}" if code < 0 else f"with code {code}"
            raise ModelError(f"{self._name} ended {died}: {self._last_words()} (log: {self.log})")

    async def healthy(self, url: str, patience: float) -> None:
        """Wait until the address answers; ModelError when it dies or takes too long."""
        import httpx2

        until = time.monotonic() + patience
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            while time.monotonic() < until:
                self.check()
                try:
                    if (await client.get(url)).status_code == 200:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(LOOK_EVERY)
        raise ModelError(
            f"{self._name} was not ready after {patience:g} s: {self._last_words()} "
            f"(log: {self.log}); raise `runtime.start_timeout`"
        )

    def stop(self) -> None:
        """End the process and whatever it started."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GOODBYE)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def _last_words(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        return " | ".join(lines[-SHOWN_LINES:])[-SHOWN_CHARACTERS:] or "it wrote nothing"


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> AsyncIterator[Child]:
    """Start a command in a process group of its own; it ends with the context or with us."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - the user's own command; starting is quick
            [sys.executable, "-I", "-c", LEASH, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    child = Child(name, process, log)
    try:
        yield child
    finally:
        await asyncio.to_thread(child.stop)


def free_port() -> int:
    """A port on this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
