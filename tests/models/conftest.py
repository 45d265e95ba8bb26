"""A loopback server that answers as a test decides, and a tiny random checkpoint of whole words."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from openbezoar.families import Request, Sampling
from openbezoar.records import Message

Reply = tuple[int, Any]
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}> {{ message.content }} </s> {% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
WORDS = "<pad> <unk> </s> <system> <user> <assistant> what is the sum of one two three ? ! blue red"


def ask(text: str = "what is the sum ?", **settings: Any) -> Request:
    sampling = settings.pop("sampling", Sampling(temperature=0, max_tokens=8))
    return Request(messages=(Message(role="user", content=text),), sampling=sampling, **settings)


def chat(text: str | None, finish_reason: str = "stop") -> Reply:
    message = {"role": "assistant", "content": text}
    return 200, {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


@dataclass
class Served:
    """A running server: its address, and the paths, headers and bodies it was asked with."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[Served]:
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.headers.append({name.lower(): value for name, value in self.headers.items()})
            served.paths.append(self.path)
            served.bodies.append(body)
            status, reply = answer(body)
            content = (reply if isinstance(reply, str) else json.dumps(reply)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="ask")
def _ask() -> Callable[..., Request]:
    return ask


@pytest.fixture(name="chat")
def _chat() -> Callable[..., Reply]:
    return chat


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[dict[str, Any]], Reply]], Served]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serving(answer))


@pytest.fixture(scope="session")
def worded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = WORDS.split()
    unknown = {"unk_token": "<unk>"}
    special = {"eos_token": "</s>", "pad_token": "<pad>", **unknown}
    plain = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, **unknown))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, chat_template=TEMPLATE, **special)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
