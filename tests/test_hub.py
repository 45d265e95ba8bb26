"""Names of models turned into folders and files: local, embedded, and a hub on loopback."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from openbezoar import hub
from openbezoar.errors import ConfigError

WHOLE = ("config.json", "model.safetensors", "tokenizer.json")


def saved(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name)
    return str(folder)


def test_a_local_checkpoint_is_taken_as_it_is(tmp_path: Path) -> None:
    name = saved(tmp_path / "model", *WHOLE)
    assert hub.checkpoint(name) == tmp_path / "model"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (WHOLE[1:], "has no config.json"),
        (WHOLE[:2], "has no tokenizer"),
        ((WHOLE[0], WHOLE[2]), r"has no \*.safetensors weights"),
        (("config.json", "pytorch_model.bin"), "pytorch_model.bin is a pickle, .* convert it once"),
        (("config.json", "consolidated.pt"), "consolidated.pt is a pickle"),
    ],
)
def test_an_unusable_folder_says_what_is_wrong(
    tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    name = saved(tmp_path / "model", *names)
    with pytest.raises(ConfigError, match=message) as caught:
        hub.checkpoint(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["smollm", "/no/such/folder", "./gone/too", "../gone", "a b/c"])
def test_a_name_that_is_nothing_lists_what_a_name_can_be(name: str) -> None:
    for find in (hub.checkpoint, hub.tokenizer):
        with pytest.raises(ConfigError, match=f"^{name}: neither a folder here nor a model"):
            find(name)


def test_a_folder_without_weights_has_its_tokenizer(tmp_path: Path) -> None:
    name = saved(tmp_path / "model", "tokenizer.json")
    assert hub.tokenizer(name) == tmp_path / "model" / "tokenizer.json"


class Refusal(BaseHTTPRequestHandler):
    """A hub that refuses every model, for the reason that the model's owner names."""

    def do_GET(self) -> None:
        parts = self.path.split("/")
        owner = parts[3] if parts[1] == "api" else parts[1]
        status, code = {
            "gone": (404, "RepoNotFound"),
            "gated": (403, "GatedRepo"),
            "old": (404, "RevisionNotFound"),
            "bare": (404, "EntryNotFound"),
        }.get(owner, (501, ""))
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Keep test output quiet."""


class OneModel(BaseHTTPRequestHandler):
    """A hub with one model, pickled weights and code beside the safe files."""

    files = (*WHOLE, "pytorch_model.bin", "modeling.py")

    def do_GET(self) -> None:
        body = self.path.encode()
        if self.path.startswith("/api/"):
            tree = [{"type": "file", "path": n, "oid": "0" * 40, "size": 1} for n in self.files]
            model = {"id": "owner/model", "sha": "a" * 40, "siblings": []}
            body = json.dumps(tree if "/tree/" in self.path else model).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Keep test output quiet."""


@pytest.mark.parametrize(
    ("call", "fetched"),
    [("checkpoint('owner/model')", WHOLE), ("tokenizer('owner/model').parent", WHOLE[2:])],
)
def test_only_safe_files_of_a_hub_model_are_fetched(
    tmp_path: Path, call: str, fetched: tuple[str, ...]
) -> None:
    """In a process of its own: the hub's client reads its cache folder when it is imported."""
    program = f"from openbezoar import hub; print(hub.{call})"
    with ThreadingHTTPServer(("127.0.0.1", 0), OneModel) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        found = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_ENDPOINT": address},
            capture_output=True,
            text=True,
            check=False,
        )
        server.shutdown()
        thread.join()
    folder = Path(found.stdout.strip())
    assert folder.is_relative_to(tmp_path), found.stderr
    assert sorted(file.name for file in folder.iterdir()) == sorted(fetched)


@pytest.fixture
def refusing_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone/model", "gone/model: no such folder here and no such public model on the hub"),
        ("gated/model", "gated/model: is gated; accept its terms"),
        ("old/model@v9", "old/model@v9: has no such revision"),
        ("broken/model", "broken/model: no such folder here and the hub cannot be reached"),
    ],
)
@pytest.mark.usefixtures("refusing_hub")
@pytest.mark.parametrize("find", [hub.checkpoint, hub.tokenizer])
def test_a_refusal_of_the_hub_becomes_one_line_with_the_fix(
    find: Callable[[str], Path], name: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        find(name)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("refusing_hub")
def test_a_model_of_the_hub_without_a_tokenizer_says_how_to_get_one() -> None:
    with pytest.raises(ConfigError, match=r"bare/model: has no tokenizer\.json; save it once"):
        hub.tokenizer("bare/model")


def test_an_unreachable_hub_offers_what_works_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"the hub cannot be reached; .* 'smollm2-135m-instruct'"):
        hub.checkpoint("some/model")


def test_a_local_gguf_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    assert hub.gguf(str(path)) == path


@pytest.mark.parametrize("name", ["gone.gguf", "owner/name", "model.safetensors"])
def test_llama_cpp_is_given_only_gguf_files(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: llama_cpp needs a local .gguf file"):
        hub.gguf(name)


def test_the_identity_of_a_folder_changes_with_any_file(tmp_path: Path) -> None:
    name = saved(tmp_path / "model", *WHOLE)
    seen = [json.dumps(hub.identity(name))]
    for file in WHOLE:
        (tmp_path / "model" / file).write_text("changed " + file)
        seen.append(json.dumps(hub.identity(name)))
    assert len(set(seen)) == 4


def test_the_identity_does_not_depend_on_where_a_folder_lies(tmp_path: Path) -> None:
    here, there = saved(tmp_path / "here", *WHOLE), saved(tmp_path / "there", *WHOLE)
    assert hub.identity(here) == hub.identity(there)


def test_a_hub_name_has_no_identity_of_its_own() -> None:
    assert hub.identity("owner/name") is None


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        ("smollm2-135m-instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("owner/model@main", "owner/model"),
        ("/some/folder", None),
        ("no-owner", None),
    ],
)
def test_a_model_of_the_hub_has_a_public_name(name: str, known_as: str | None) -> None:
    assert hub.public_name(name) == known_as
