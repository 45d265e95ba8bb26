"""The engine's settings change where rows are at work, and what is missing is said in one line."""

import sys
import time

import pytest
from pydantic import ValidationError

from openbezoar.cluster.engine import Engine, connected
from openbezoar.component import science
from openbezoar.errors import ConfigError, MissingExtra
from openbezoar.families import ModelSpec
from openbezoar.models.anthropic import Anthropic, AnthropicEndpoint
from openbezoar.models.endpoint import Endpoint
from openbezoar.models.llama_cpp import LlamaCpp
from openbezoar.models.openai import OpenAI
from openbezoar.models.scripted import Scripted
from openbezoar.models.transformers import Transformers
from openbezoar.models.vllm import Vllm
from openbezoar.schemes.respond import Respond
from openbezoar.stages.generate import GenerateRuntime, GenerateStage

AFAR = "https://teacher.invalid/v1"


@pytest.mark.parametrize("address", ["auto", "local", "10.0.0.7:6379", "head.cluster:6379"])
def test_an_address_names_a_cluster_that_this_machine_is_in(address: str) -> None:
    assert Engine(address=address).address == address


@pytest.mark.parametrize(
    "address", ["", "ray://10.0.0.7", "10.0.0.7", ":6379", "head:port", "Auto"]
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="must be auto, local or host:port"):
        Engine(address=address)


def test_the_engine_is_no_part_of_a_fingerprint() -> None:
    here = GenerateStage(seeds="seeds", teacher="teacher", scheme=Respond())
    runtime = GenerateRuntime(engine="ray", address="local", workers=2, gpus=1)
    assert science(here.model_copy(update={"runtime": runtime})) == science(here)


@pytest.mark.parametrize(
    ("spec", "travels"),
    [
        (OpenAI(model="m", runtime=Endpoint(base_url=AFAR)), True),
        (OpenAI(model="m", runtime=Endpoint(base_url="http://127.0.0.1:8000/v1")), False),
        (OpenAI(model="m", runtime=Endpoint(base_url=AFAR, batch=True)), False),
        (Anthropic(model="m"), True),
        (Anthropic(model="m", runtime=AnthropicEndpoint(batch=True)), False),
        (Transformers(checkpoint="owner/name"), True),
        (Scripted(lines=()), True),
        (LlamaCpp(), False),
        (Vllm(model="owner/name"), False),
    ],
    ids=lambda given: getattr(given, "kind", ""),
)
def test_what_runs_or_gathers_in_one_place_is_opened_once(spec: ModelSpec, travels: bool) -> None:
    assert spec.travels is travels


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Engine().check_ready()
    with pytest.raises(MissingExtra, match=r"pip install 'openbezoar\[ray\]'"):
        Engine(engine="ray").check_ready()


def test_where_no_cluster_is_the_way_to_one_is_told_at_once() -> None:
    began = time.monotonic()
    with (
        pytest.raises(ConfigError, match=r"no Ray cluster at '127.0.0.1:9' .*`ray start --head`"),
        connected(Engine(engine="ray", address="127.0.0.1:9")),
    ):
        pass
    assert time.monotonic() - began < 5
