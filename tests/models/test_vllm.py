"""Serving through vLLM, with a program of the same command line in its place."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar.component import science
from openbezoar.errors import MissingExtra, ModelError
from openbezoar.families import Request
from openbezoar.models.vllm import Vllm, VllmRuntime

Ask = Callable[..., Request]
HEAD = f"""#!{sys.executable}
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
(here / "pid").write_text(str(os.getpid()))
(here / "arguments").write_text(json.dumps(sys.argv[1:]))
"""
SERVES = (
    HEAD
    + """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == "Bearer " + os.environ["VLLM_API_KEY"]
        if self.path == "/tokenize":
            return self.reply({"tokens": asked["prompt"].split() if known else []})
        text = asked["messages"][-1]["content"]
        if text == "die":
            print("CUDA error: out of luck", flush=True)
            os._exit(7)
        message = {"role": "assistant", "content": text.upper() if known else "no key"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply({"id": "1", "object": "chat.completion", "created": 0,
                    "model": asked["model"], "choices": [choice]})

    def reply(self, content):
        content = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

options = dict(one.split("=", 1) for one in sys.argv[3:])
port = int(options["--port"])
ThreadingHTTPServer((options["--host"], port), Handler).serve_forever()
"""
)
DIES = HEAD + "print('loading'); print(); print('ValueError: no such\\tmodel'); sys.exit(3)"
SLEEPS = HEAD + "print('still loading', flush=True); time.sleep(60)"
OUTLIVED = """
import asyncio, sys
from openbezoar.models.vllm import Vllm, VllmRuntime

async def wait():
    async with Vllm(model="m", runtime=VllmRuntime(command=sys.argv[1])).connect():
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(wait())
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "fake-vllm"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
    return path


def spec(path: Path, **settings: Any) -> Vllm:
    runtime = VllmRuntime(command=str(path), start_timeout=settings.pop("start_timeout", 20.0))
    return Vllm(model="owner/small", runtime=runtime, **settings)


def gone(folder: Path) -> bool:
    """Whether the program that ran in the folder is no more."""
    process = int((folder / "pid").read_text())
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


async def test_the_server_answers_and_is_gone_afterwards(tmp_path: Path, ask: Ask) -> None:
    model = spec(program(tmp_path, SERVES))
    async with model.connect_in(tmp_path) as opened:
        completion = await opened.complete(ask("blue"))
    assert completion.text == "BLUE"
    assert completion.model == "small"
    assert gone(tmp_path)


async def test_the_server_counts_tokens(tmp_path: Path) -> None:
    model = spec(program(tmp_path, SERVES))
    assert model.counts
    async with model.connect() as opened:
        assert await opened.count_tokens("three words here") == 3


async def test_the_settings_reach_the_command_line(tmp_path: Path) -> None:
    settings = {"dtype": "float16", "max_model_len": 64, "arguments": ("--quantization=awq",)}
    async with spec(program(tmp_path, SERVES), **settings).connect_in(tmp_path):
        arguments = json.loads((tmp_path / "arguments").read_text())
    assert arguments[:3] == ["serve", "owner/small", "--host=127.0.0.1"]
    assert {"--dtype=float16", "--max-model-len=64", "--quantization=awq"} <= set(arguments)


async def test_a_server_that_dies_at_once_leaves_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"ended with code 3: .*no such model") as failure:
        async with spec(program(tmp_path, DIES)).connect_in(tmp_path):
            pass
    assert "\n" not in str(failure.value)
    assert str(tmp_path / "logs" / "vllm-small.log") in str(failure.value)


async def test_a_server_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    model = spec(program(tmp_path, SLEEPS), start_timeout=1.5)
    with pytest.raises(ModelError, match=r"not ready after 1\.5 s: still loading .*start_timeout"):
        async with model.connect_in(tmp_path):
            pass
    assert gone(tmp_path)


async def test_a_server_that_dies_in_the_middle_is_named_and_not_asked_again(
    tmp_path: Path, ask: Ask
) -> None:
    async with spec(program(tmp_path, SERVES)).connect_in(tmp_path) as opened:
        assert (await opened.complete(ask("blue"))).text == "BLUE"
        with pytest.raises(ModelError, match=r"ended with code 7: .*CUDA error: out of luck"):
            await opened.complete(ask("die"))


async def test_a_server_that_is_killed_in_the_middle_is_named(tmp_path: Path, ask: Ask) -> None:
    async with spec(program(tmp_path, SERVES)).connect_in(tmp_path) as opened:
        kill(int((tmp_path / "pid").read_text()))
        with pytest.raises(ModelError, match="ended by signal 9"):
            await opened.complete(ask("blue"))


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_server_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    path = program(tmp_path, SERVES)
    environment = {**os.environ, "OPENBEZOAR_CACHE": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", OUTLIVED, str(path)], stdout=subprocess.PIPE, env=environment
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()
    assert gone(tmp_path)


async def test_a_missing_program_names_the_extra(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"openbezoar\[vllm\]"):
        async with spec(tmp_path / "nothing").connect_in(tmp_path):
            pass


def test_the_machine_is_no_part_of_the_science(tmp_path: Path) -> None:
    assert science(spec(tmp_path / "a")) == science(spec(tmp_path / "b"))
