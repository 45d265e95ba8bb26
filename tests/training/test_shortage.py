"""Running out of memory ends in one line that names the settings to lower, in order."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from openbezoar.errors import ModelError
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.training.loop import train
from openbezoar.training.settings import Optimisation, TrainingRuntime
from openbezoar.training.shortage import told_what_to_lower
from tests.training.conftest import Rows

TOO_MUCH = 1 << 60


def of_a_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


SHORTAGES: dict[str, Callable[[], object]] = {
    "torch": lambda: torch.empty(TOO_MUCH, dtype=torch.uint8),
    "python": lambda: bytearray(TOO_MUCH),
    "gpu": of_a_gpu,
}


class Greedy(SupervisedFineTuning):
    """Asks the real allocator for more than any machine has."""

    def loss(self, policy: Any, reference: Any, tokens: Any) -> Any:
        torch.empty(TOO_MUCH, dtype=torch.uint8)


@pytest.mark.parametrize("shortage", SHORTAGES)
def test_a_shortage_names_the_settings_to_lower(shortage: str) -> None:
    with (
        pytest.raises(ModelError) as caught,
        told_what_to_lower(Optimisation(max_tokens=900), TrainingRuntime(micro_tokens=500)),
    ):
        SHORTAGES[shortage]()
    assert (
        "; lower runtime.micro_tokens (500 now), then set `runtime.recompute: true`, "
        "then lower optimisation.max_tokens (900 now), then set `precision: nf4`; a rerun"
    ) in str(caught.value)
    assert ("of the GPU" in str(caught.value)) == (shortage == "gpu")


def test_what_is_done_already_is_not_proposed() -> None:
    class Quantised:
        is_loaded_in_4bit = True

    with (
        pytest.raises(ModelError) as caught,
        told_what_to_lower(Optimisation(), TrainingRuntime(recompute=True), Quantised()),
    ):
        raise MemoryError
    assert "recompute" not in str(caught.value)
    assert "nf4" not in str(caught.value)


def test_an_error_of_another_kind_passes() -> None:
    with (
        pytest.raises(RuntimeError, match="shapes differ"),
        told_what_to_lower(Optimisation(), TrainingRuntime()),
    ):
        raise RuntimeError("shapes differ")


def test_a_training_that_runs_out_of_memory_says_so_in_a_line(
    adapted: Callable[..., Any], course: Callable[..., Any], rows: Rows
) -> None:
    with pytest.raises(ModelError, match=r"^out of memory; lower runtime\.micro_tokens") as caught:
        train(adapted(), course(rows, objective=Greedy()))
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
