"""A hub on loopback: repositories, large files, commits, and every way to refuse them."""

import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

__all__ = ["TOKEN", "Fault", "Hub", "Repo", "serving"]

TOKEN = "hf_canary4711canary4711canary4711canary"
LARGE = (".parquet", ".safetensors", ".gguf")


@dataclass
class Fault:
    """How a request that has this in its line goes wrong, and how many times."""

    line: str
    status: int = 0
    """The answer; 0 cuts the connection while the body is read."""
    said: str = ""
    times: int = 1_000


@dataclass
class Repo:
    """What a repository holds."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """What the hub holds, what it was asked, and how it misbehaves."""

    role: str = "write"
    faults: list[Fault] = field(default_factory=list)
    repos: dict[str, Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """The large files, by their sha256."""
    asked: list[str] = field(default_factory=list)
    address: str = ""
    hold: threading.Event = field(default_factory=threading.Event)
    """Set once a request with the line `halt` was met, whose answer never comes."""
    halt: str = ""

    def sent(self) -> list[str]:
        """The large files that were sent, whole or in part."""
        return [line for line in self.asked if line.startswith("PUT /lfs/")]

    def fault(self, line: str) -> Fault | None:
        """The fault that this request meets, counted down."""
        for fault in self.faults:
            if fault.line in line and fault.times > 0:
                fault.times -= 1
                return fault
        return None


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve the hub on a free port for as long as the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = hub  # type: ignore[attr-defined]
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        """The state behind the server."""
        found: Hub = self.server.hub  # type: ignore[attr-defined]
        return found

    def handle_any(self) -> None:
        """Meet a fault, or answer as the hub would."""
        line = f"{self.command} {self.path}"
        self.hub.asked.append(line)
        if self.hub.halt and self.hub.halt in line and len(self.hub.sent()) > 1:
            self.rfile.read(1)
            self.hub.hold.set()
            threading.Event().wait(60)
            return
        fault = self.hub.fault(line)
        if fault and not fault.status:
            self.rfile.read(1)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault:
            self.reply({"error": fault.said}, fault.status)
        elif self.path.startswith("/lfs/"):
            self.hub.objects[self.path.removeprefix("/lfs/").partition("?")[0]] = body
            self.reply({})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.reply({"error": "Invalid credentials"}, 401)
        else:
            self.answer(body)

    def do_GET(self) -> None:
        self.handle_any()

    def do_POST(self) -> None:
        self.handle_any()

    def do_PUT(self) -> None:
        self.handle_any()

    def answer(self, body: bytes) -> None:
        """What the hub's API says to a request of someone it knows."""
        path, _, _ = self.path.partition("?")
        for pattern, method in _ROUTES:
            if found := re.fullmatch(pattern, f"{self.command} {path}"):
                status, content = method(self.hub, body, *found.groups())
                self.reply(content, status)
                return
        self.reply({"error": f"no such address: {path}"}, 404)

    def reply(self, content: Any, status: int = 200) -> None:
        """Send an answer in JSON."""
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep test output quiet."""


Reply = tuple[int, Any]


def _who(hub: Hub, body: bytes) -> Reply:
    token = {"displayName": "tests", "role": hub.role}
    return 200, {"type": "user", "name": "me", "auth": {"accessToken": token}}


def _create(hub: Hub, body: bytes) -> Reply:
    asked = json.loads(body)
    name = f"{asked['type']}s/{asked['organization']}/{asked['name']}"
    url = {"url": f"{hub.address}/{name.removeprefix('models/')}"}
    if name in hub.repos:
        return 409, url | {"error": "You already created this repo"}
    hub.repos[name] = Repo(private=asked["visibility"] == "private")
    return 200, url


def _info(hub: Hub, body: bytes, name: str) -> Reply:
    repo = hub.repos.get(name)
    if repo is None:
        return 404, {"error": "Repository not found"}
    sha = sha1(repr(sorted(repo.files)).encode(), usedforsecurity=False).hexdigest()
    short = name.partition("/")[2]
    told = {"id": short, "private": repo.private, "sha": sha, "siblings": []}
    card = repo.files.get("README.md", b"").decode()
    return 200, told | ({"cardData": yaml.safe_load(card.split("---")[1])} if card else {})


def _settings(hub: Hub, body: bytes, name: str) -> Reply:
    hub.repos[name].private = json.loads(body)["visibility"] == "private"
    return 200, {}


def _tree(hub: Hub, body: bytes, name: str) -> Reply:
    held = hub.repos[name].files.items()
    return 200, [
        {"type": "file", "path": path, "oid": _blob(content), "size": len(content)}
        for path, content in held
    ]


def _validate(hub: Hub, body: bytes) -> Reply:
    text = json.loads(body)["content"]
    if text.startswith("---\n"):
        return 200, {"errors": [], "warnings": []}
    return 400, {"errors": [{"message": "no metadata"}], "warnings": []}


def _preupload(hub: Hub, body: bytes, name: str) -> Reply:
    there = hub.repos[name].files

    def mode(path: str) -> dict[str, Any]:
        large = path.endswith(LARGE)
        known = {"oid": _oid(path, there[path])} if path in there else {}
        return {
            "path": path,
            "uploadMode": "lfs" if large else "regular",
            "shouldIgnore": False,
        } | known

    return 200, {"files": [mode(file["path"]) for file in json.loads(body)["files"]]}


def _batch(hub: Hub, body: bytes, name: str) -> Reply:
    def entry(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["oid"] in hub.objects:
            return asked
        return asked | {
            "actions": {"upload": {"href": f"{hub.address}/lfs/{asked['oid']}?signed=x"}}
        }

    return 200, {
        "transfer": "basic",
        "objects": [entry(one) for one in json.loads(body)["objects"]],
    }


def _commit(hub: Hub, body: bytes, name: str) -> Reply:
    repo = hub.repos[name]
    for line in body.splitlines():
        change = json.loads(line)
        value = change["value"]
        match change["key"]:
            case "header":
                repo.commits.append(value["summary"])
            case "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                repo.files[value["path"]] = hub.objects[value["oid"]]
            case "deletedFile":
                del repo.files[value["path"]]
    return 200, {"commitUrl": f"{hub.address}/{name}/commit/{'a' * 40}", "commitOid": "a" * 40}


def _oid(path: str, content: bytes) -> str:
    return sha256(content).hexdigest() if path.endswith(LARGE) else _blob(content)


def _blob(content: bytes) -> str:
    header = f"blob {len(content)}\0".encode()
    return sha1(header + content, usedforsecurity=False).hexdigest()


_NAME = r"((?:models|datasets)/[\w.-]+/[\w.-]+)"
_ROUTES: tuple[tuple[str, Any], ...] = (
    ("GET /api/whoami-v2", _who),
    ("POST /api/repos/create", _create),
    ("POST /api/validate-yaml", _validate),
    (f"GET /api/{_NAME}(?:/revision/main)?", _info),
    (f"PUT /api/{_NAME}/settings", _settings),
    (f"GET /api/{_NAME}/tree/main", _tree),
    (f"POST /api/{_NAME}/preupload/main", _preupload),
    (f"POST /api/{_NAME}/commit/main", _commit),
    (r"POST /((?:datasets/)?[\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", _batch),
)
