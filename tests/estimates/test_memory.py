"""The memory of a training step follows its settings."""

import pytest

from openbezoar.estimates.flops import Sizes
from openbezoar.estimates.memory import activations, answering, served
from openbezoar.estimates.shapes import Shape, shape_of
from openbezoar.models.llama_cpp import LlamaCpp, Slots
from openbezoar.models.openai import OpenAI
from openbezoar.training.settings import TrainingRuntime

ON_CPU = TrainingRuntime(device="cpu")
ONE = Shape(Sizes(4, 5, 2, 2, 1, 3, 7, 2), tied=True)


def test_a_token_leaves_what_a_pencil_counts() -> None:
    """Two layers of 50 * 4 + 6 * 5 + 4 * (2 + 2) * 3 + 2 * 2 * 10 bytes."""
    assert activations(ONE, 10, ON_CPU) == 2 * (200 + 30 + 48 + 40)


def test_recomputed_activations_are_fewer_and_a_gpu_keeps_fewer() -> None:
    kept = activations(ONE, 10, ON_CPU)
    assert activations(ONE, 10, TrainingRuntime(device="cpu", recompute=True)) < kept
    assert activations(ONE, 10, TrainingRuntime(device="cuda")) < kept


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
