"""What is asked of a GPU is asked of one, or it has not been asked."""

import pytest
import torch

from tests.training.conftest import course, format_, pairs, rows

__all__ = ["course", "format_", "gpu", "pairs", "rows"]


@pytest.fixture(autouse=True)
def gpu() -> None:
    """Fail where there is none: `make test` leaves these tests out, `make gpu` must not."""
    if not torch.cuda.is_available():
        pytest.fail("no CUDA GPU here; `make gpu` is for a machine that has one")
