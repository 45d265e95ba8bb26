"""What models hold in this process and on a GPU, as far as their sizes are known."""

import pytest

from openbezoar.estimates.memory import answering, has_gpu, held_on_gpu, served
from openbezoar.estimates.shapes import shape_of
from openbezoar.models.llama_cpp import LlamaCpp, Slots
from openbezoar.models.openai import OpenAI


def test_what_llama_cpp_remembers_has_a_bound() -> None:
    spec = LlamaCpp(context=512, runtime=Slots(slots=2))
    few, many, endless = (served(spec, tokens) for tokens in (0, 10_000, 1e9))
    assert few is not None
    assert many is not None
    assert endless is not None
    assert few.likely < many.likely < endless.likely <= endless.high < 1000


def test_a_model_behind_a_server_takes_next_to_nothing() -> None:
    found = served(OpenAI(model="m"), 1e9)
    assert found is not None
    assert found.high <= 100


@pytest.mark.parametrize("spec", [LlamaCpp(model="absent.gguf")])
def test_a_model_that_is_not_here_is_unknown(spec: LlamaCpp) -> None:
    assert served(spec, 0) is None
    assert answering(None) is None


def test_more_rows_at_a_time_take_more_logits() -> None:
    shape = shape_of("smollm2-135m-instruct")
    one, eight = answering(shape, "cpu"), answering(shape, "cpu", rows=8)
    assert one is not None
    assert eight is not None
    assert one.likely < eight.likely


def test_on_a_gpu_the_weights_are_there_and_not_in_main_memory() -> None:
    shape = shape_of("smollm2-135m-instruct")
    assert shape is not None
    there, here = answering(shape, "cuda"), answering(shape, "cpu")
    assert there is not None
    assert here is not None
    assert there.likely < here.likely
    assert held_on_gpu(shape).low > 2 * shape.parameters / (1 << 20)


def test_a_hidden_gpu_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not has_gpu()
    assert has_gpu("cuda:1")
    assert not has_gpu("cpu")
