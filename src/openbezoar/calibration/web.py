"""Labels rows on a page of this machine alone, at a secret address that no other site can use."""

import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from openbezoar.calibration.desk import Desk
from openbezoar.calibration.labels import Answer

__all__ = ["ask", "serving"]

Asked = dict[str, Any]

PAGE = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
ANSWERS: dict[str, Answer] = {"accept": "accept", "reject": "reject", "skip": "skip"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LONGEST = 4096
"""Bytes of the longest request body: a place and an answer."""


def ask(desk: Desk, say: Callable[[str], None]) -> None:
    """Serve the page until the person ends on it; at once when every row has an answer."""
    if desk.next_open() is None:
        return
    with serving(desk) as (address, done):
        say(f"label the rows at {address} (Ctrl-C stops; every label is saved at once)")
        done.wait()


@contextmanager
def serving(desk: Desk) -> Iterator[tuple[str, threading.Event]]:
    """The page's address, and what is set when the person is done."""
    server = _Server(desk)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{server.token}/", server.done
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """A desk on a free loopback port."""

    request_queue_size = 128

    def __init__(self, desk: Desk) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.desk = desk
        self.token = secrets.token_urlsafe(24)
        self.done = threading.Event()
        self.turn = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no error to tell of."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def knows(self, host: str | None, path: str) -> bool:
        """Whether who asks named this machine and the secret.

        A site whose name was made to point here (DNS rebinding) still sends its own name.
        """
        here = (f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}")
        given = path.split("/")[1:2]
        return host in here and secrets.compare_digest("".join(given).encode(), self.token.encode())


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    server_version, sys_version = "bezoar", ""
    timeout = 60

    def do_GET(self) -> None:
        """One of the page's files."""
        name = self.path.partition(f"/{self.server.token}/")[2]
        if not self.server.knows(self.headers.get("Host"), self.path) or name not in PAGE:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        file, kind = PAGE[name]
        self._send(files("openbezoar.calibration").joinpath(file).read_bytes(), kind)

    def do_POST(self) -> None:
        """Look at a row, answer, take back, or end; the reply is the row to show next."""
        action = _ACTIONS.get(self.path.rpartition("/")[2])
        asked = self._asked()
        if action is None or asked is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            with self.server.turn:
                view = self.server.desk.view(action(self.server, asked))
        except (KeyError, IndexError, TypeError):
            self._refuse(HTTPStatus.BAD_REQUEST)
        except OSError as error:
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, f"{error.filename}: {error.strerror}")
        else:
            self._send(json.dumps(view._asdict()).encode(), "application/json")

    def log_message(self, format: str, *arguments: object) -> None:
        """The terminal is kept for what a person must read."""

    def _asked(self) -> Asked | None:
        """The request's JSON object, from our own page; None for anything else."""
        length = self.headers.get("Content-Length", "")
        ours = self.server.knows(self.headers.get("Host"), self.path)
        is_json = self.headers.get("Content-Type") == "application/json"
        short = length.isdecimal() and len(length) <= 4 and int(length) <= LONGEST
        if not (ours and is_json and short):
            return None
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return None
        return asked if isinstance(asked, dict) else None

    def _send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, why: str = "") -> None:
        self._send((why or status.phrase).encode(), "text/plain; charset=utf-8", status)


def _look(server: _Server, asked: Asked) -> int | None:
    if "step" not in asked:
        return server.desk.next_open()
    return server.desk.beside(_place(server, asked), 1 if asked["step"] > 0 else -1)


def _answer(server: _Server, asked: Asked) -> int | None:
    place = _place(server, asked)
    if place is None:
        raise KeyError("place")
    return server.desk.answer(place, ANSWERS[asked["answer"]])


def _undo(server: _Server, asked: Asked) -> int | None:
    return server.desk.undo(_place(server, asked))


def _done(server: _Server, asked: Asked) -> None:
    server.done.set()


def _place(server: _Server, asked: Asked) -> int | None:
    place = asked["place"]
    if place is None:
        return None
    if type(place) is not int or not 0 <= place < len(server.desk.rows):
        raise IndexError("place")
    return place


_ACTIONS: dict[str, Callable[[_Server, Asked], int | None]] = {
    "look": _look,
    "answer": _answer,
    "undo": _undo,
    "done": _done,
}
