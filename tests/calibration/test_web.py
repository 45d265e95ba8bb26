"""The page's server answers this machine's own page, and nobody else."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openbezoar.calibration import web
from openbezoar.calibration.desk import Desk

Headers = dict[str, str]


class Client:
    """Asks the server whatever a test wants to."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, self.port, self.path = "127.0.0.1", parts.port or 0, parts.path

    def ask(
        self, path: str | None = None, body: object = None, method: str = "", **headers: str
    ) -> tuple[int, str, Headers]:
        """One request: a POST where there is a body, with the headers that our own page sends."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        sent = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        payload = body if isinstance(body, str | None) else json.dumps(body)
        path = self.path if path is None else f"{self.path}{path}"
        connection.request(method or ("GET" if body is None else "POST"), path, payload, sent)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, text, dict(reply.getheaders())


@pytest.fixture
def client(desk: Callable[..., Desk]) -> Iterator[Client]:
    with web.serving(desk()) as (address, _):
        yield Client(address)


def test_a_label_is_on_disk_before_the_reply(
    client: Client, lines: Callable[[], list[dict[str, object]]]
) -> None:
    status, text, _ = client.ask("answer", {"place": 1, "answer": "reject"})
    assert (status, lines()[0]["row"], lines()[0]["label"]) == (200, "r1", "reject")
    assert (json.loads(text)["place"], json.loads(text)["answered"]) == (2, 1)


def test_only_loopback_listens(client: Client) -> None:
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None)}
    for address in {str(other) for other in others} - {"127.0.0.1"} | {"127.0.0.2"}:
        with pytest.raises(ConnectionError), socket.create_connection((address, client.port), 1):
            pass


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "", "localhost:1"]
)
@pytest.mark.parametrize("body", [None, {"place": 0, "answer": "accept"}])
def test_a_site_whose_name_points_here_learns_and_changes_nothing(
    client: Client, tmp_path: Path, host: str, body: object
) -> None:
    status, text, _ = client.ask("" if body is None else "answer", body, Host=host)
    assert (status, text) == (404, "Not Found")
    assert not (tmp_path / "labels.jsonl").exists()


def test_localhost_is_this_machine_too(client: Client) -> None:
    assert client.ask(Host=f"localhost:{client.port}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/look", "/guess/", "/guess/look", "//", "/%00/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_secret_there_is_nothing(client: Client, path: str, method: str) -> None:
    client.path = path
    assert client.ask(method=method, body="{}")[0] == 404


def test_the_secret_is_another_every_time(desk: Callable[..., Desk]) -> None:
    paths = set()
    for _ in range(3):
        with web.serving(desk()) as (address, _):
            paths.add(urlsplit(address).path)
    assert len(paths) == 3
    assert all(len(path) > 30 for path in paths)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_of_another_site_is_refused(client: Client, tmp_path: Path, kind: str) -> None:
    status, _, _ = client.ask("answer", {"place": 0, "answer": "accept"}, Content_Type=kind)
    assert status == 404
    assert not (tmp_path / "labels.jsonl").exists()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("answer", {"place": 0, "answer": "maybe"}, 400),
        ("answer", {"place": 0, "answer": ["accept"]}, 400),
        ("answer", {"place": 3, "answer": "accept"}, 400),
        ("answer", {"place": -1, "answer": "accept"}, 400),
        ("answer", {"place": True, "answer": "accept"}, 400),
        ("answer", {"place": None, "answer": "accept"}, 400),
        ("answer", {"answer": "accept"}, 400),
        ("look", {"place": 0, "step": "far"}, 400),
        ("undo", {"place": 99}, 400),
        ("answer", "[]", 404),
        ("answer", "not JSON", 404),
        ("answer", "[" * 4000, 404),
        ("answer", '{"place": 0, "answer": "accept", "more": "' + "x" * 5000 + '"}', 404),
        ("nothing", {}, 404),
        ("page.js", {}, 404),
        ("../../etc/passwd", None, 404),
        ("labels.py", None, 404),
        ("page.js?x", None, 404),
    ],
)
def test_a_request_that_is_none_of_ours_saves_nothing(
    client: Client, tmp_path: Path, path: str, body: object, status: int
) -> None:
    assert client.ask(path, body)[0] == status
    assert not (tmp_path / "labels.jsonl").exists()


def test_every_reply_forbids_what_is_not_ours(client: Client) -> None:
    for path, body in (("", None), ("page.js", None), ("look", {}), ("nothing", None)):
        headers = client.ask(path, body)[2]
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_disk_that_is_full_is_told_and_the_row_stays_open(client: Client, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").mkdir()
    status, text, _ = client.ask("answer", {"place": 0, "answer": "accept"})
    assert (status, text) == (507, f"{tmp_path / 'labels.jsonl'}: Is a directory")
    assert json.loads(client.ask("look", {})[1])["answered"] == 0


def test_many_at_once_lose_no_label(
    client: Client, lines: Callable[[], list[dict[str, object]]]
) -> None:
    asked = [("accept", "reject", "skip")[n % 3] for n in range(24)]
    threads = [
        threading.Thread(target=client.ask, args=("answer", {"place": n % 3, "answer": answer}))
        for n, answer in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines()) == 24


def test_asking_ends_when_the_person_is_done(desk: Callable[..., Desk]) -> None:
    told: list[str] = []
    thread = threading.Thread(target=web.ask, args=(desk(), told.append))
    thread.start()
    while not told:
        thread.join(0.01)
    Client(told[0].split()[4]).ask("done", {})
    thread.join(10)
    assert not thread.is_alive()
    assert "every label is saved at once" in told[0]


def test_nothing_is_asked_when_every_row_has_an_answer(desk: Callable[..., Desk]) -> None:
    held = desk()
    for place in range(3):
        held.answer(place, "accept")
    told: list[str] = []
    web.ask(held, told.append)
    assert told == []
