"""Downloads from a real server on loopback that misbehaves as told."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from openbezoar.download import TRIES, download
from openbezoar.errors import DataError

CONTENT = bytes(range(256)) * 400
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one content; cuts the first `cuts` answers in the middle."""

    cuts = 0
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted and self.server.ranges else 0
        if self.path != "/file":
            self.send_error(404)
        elif start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_content(start)

    def send_content(self, start: int) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        cut = self.server.cuts > 0
        self.server.cuts -= cut
        self.wfile.write(CONTENT[start : start + 20_000 if cut else None])

    def log_message(self, *_: object) -> None:
        """Keep test output quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_download_is_the_published_file_and_leaves_nothing_beside_it(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "file"
    assert download(server.address, path, [SUM]) == SUM
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_a_cut_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cuts = 2
    assert download(server.address, tmp_path / "file", [SUM]) == SUM
    assert server.asked == [None, "bytes=20000-", "bytes=40000-"]


def test_a_server_without_ranges_is_read_from_the_start_again(
    server: Server, tmp_path: Path
) -> None:
    server.cuts, server.ranges = 1, False
    assert download(server.address, tmp_path / "file", [SUM]) == SUM


def test_a_connection_that_keeps_breaking_keeps_what_came_for_the_next_call(
    server: Server, tmp_path: Path
) -> None:
    server.cuts = TRIES
    with pytest.raises(DataError, match=r"what came is kept in .*file.part; look at the network"):
        download(server.address, tmp_path / "file", [SUM])
    assert not (tmp_path / "file").exists()
    assert download(server.address, tmp_path / "file", [SUM]) == SUM
    assert server.asked[-1] == f"bytes={20_000 * TRIES}-"


def test_a_part_that_is_already_whole_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert download(server.address, tmp_path / "file") == SUM


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    assert download(server.address, tmp_path / "file") == SUM


def test_wrong_bytes_are_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"what came has sha256 {SUM[:12]}…, not ffff"):
        download(server.address, tmp_path / "file", ["f" * 64])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_says_so_in_one_line(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the server answers 404 .* not published") as caught:
        download(server.address + "s", tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_an_unreachable_host_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"http://127.0.0.1:1/x: cannot be reached"):
        download("http://127.0.0.1:1/x", tmp_path / "file")


def test_a_full_disk_is_named_with_the_fix(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"No space left on device.*make room"):
        download(server.address, tmp_path / "file")
