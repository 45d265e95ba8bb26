"""`bezoar chat` on a real terminal, with a model that streams from a loopback server."""

import json
import os
import pty
import select
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from openbezoar.cli import main
main()
"""
RECIPE = """\
name: far
models: {{far: {{kind: openai, model: m, runtime: {{base_url: "{url}"}}}}}}
stages:
  seeds: {{kind: source, source: {{kind: sample, rows: instructions}}}}
"""
PATIENCE = 120
"""Seconds until a test that waits in vain fails."""


class Speaker(BaseHTTPRequestHandler):
    """Says how many messages it was sent and how long the last is; may wait, or paint."""

    ended = threading.Event()

    def do_POST(self) -> None:
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        said = messages[-1]["content"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if said == "wait":
            self._send("Well")
            self.ended.wait(PATIENCE)
            return
        if said == "paint":
            self._send("\x1b]0;mine\x07")
            self._send("\x9b31m\rred \u202e.")
        else:
            self._send(f"{len(messages)} messages, ")
            self._send(f"{len(said)} letters.")
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, text: str) -> None:
        piece = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m",
                 "choices": [{"index": 0, "delta": {"content": text}}]}  # fmt: skip
        self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


class Terminal:
    """A terminal in which `bezoar chat` runs."""

    def __init__(self, folder: Path) -> None:
        self._end, inner = pty.openpty()
        os.set_blocking(self._end, False)
        command = [sys.executable, "-c", PROGRAM, "chat", "far", "--recipe", "recipe.yaml"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.seen = ""

    def type(self, text: str, at_prompt: bool = True) -> None:
        """Press these keys, reading what is echoed meanwhile.

        What is typed before the prompt takes the terminal over may be lost, or cut at 4,096 bytes.
        """
        limit = time.monotonic() + PATIENCE
        while at_prompt and termios.tcgetattr(self._end)[3] & termios.ICANON:
            assert time.monotonic() < limit, f"no prompt after {self.seen[-2000:]!r}"
            time.sleep(0.01)
        left = text.encode()
        while left:
            self._look(writing=True)
            with_room = select.select([], [self._end], [], 0)[1]
            left = left[os.write(self._end, left[:256]) if with_room else 0 :]

    def interrupt(self, answered: str) -> str:
        """Press Ctrl-C until this is shown, as a person does.

        The line editor notes one that comes while it looks at another key only at the next key.
        """
        for _ in range(PATIENCE // 10):
            self.type("\x03", at_prompt=False)
            limit = time.monotonic() + 10
            while answered not in self.seen and time.monotonic() < limit:
                self._look()
            if answered in self.seen:
                break
        return self.until(answered)

    def until(self, text: str) -> str:
        """All that was shown up to and with this text."""
        limit = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < limit, f"{text!r} is not in {self.seen[-2000:]!r}"
            assert self._look() or self.process.poll() is None, f"ended: {self.seen[-2000:]!r}"
        shown, _, self.seen = self.seen.partition(text)
        return shown + text

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)

    def _look(self, writing: bool = False) -> bool:
        reads = select.select([self._end], [self._end] if writing else [], [], 1)[0]
        try:
            data = os.read(self._end, 1 << 16) if reads else b""
        except OSError:  # so Linux tells that nobody has the other end any more
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    Speaker.ended.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Speaker)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(url=url), encoding="utf-8")
    found = Terminal(tmp_path)
    found.until("> ")
    yield found
    found.close()
    Speaker.ended.set()
    server.shutdown()
    server.server_close()


def test_a_conversation_is_led_by_commands_and_lines_of_any_length(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.type("/system Be brief.\r")
    terminal.until("system: Be brief.")
    terminal.type("a" * 20_000 + "\r")
    terminal.until("2 messages, 20000 letters.")
    terminal.type("and\r")
    terminal.until("4 messages, 3 letters.")
    terminal.type("/save said.jsonl\r")
    terminal.until("saved in said.jsonl")
    saved = json.loads((tmp_path / "said.jsonl").read_text(encoding="utf-8"))["messages"]
    assert [len(one["content"]) for one in saved] == [9, 20_000, 26, 3, 22]
    terminal.type("/reset\r")
    terminal.until("forgotten")
    terminal.type("again\r")
    terminal.until("2 messages, 5 letters.")


def test_ctrl_c_breaks_off_an_answer_and_never_the_conversation(terminal: Terminal) -> None:
    terminal.type("wait\r")
    terminal.until("Well")
    terminal.interrupt("broken off")
    terminal.until("> ")
    terminal.type("half a line")
    terminal.until("half a line")
    terminal.interrupt("/quit ends")
    terminal.type("go on\r")
    terminal.until("3 messages, 5 letters.")
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.process.wait(PATIENCE) == 0


def test_no_answer_steers_the_terminal(terminal: Terminal) -> None:
    terminal.type("paint\r")
    shown = terminal.until(".")
    assert "\\x1b]0;mine\\x07\\x9b31m\\rred \\u202e." in shown
    assert not {"\x07", "\x9b", "\u202e"} & set(shown)
    assert "\x1b]" not in shown
