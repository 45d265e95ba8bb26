"""The tokenizer that the objectives encode with."""

from pathlib import Path

import pytest

from openbezoar.training.format import Format


@pytest.fixture(scope="session")
def format_(tiny_checkpoint: Path) -> Format:
    """The tiny checkpoint's tokenizer in the OpenBezoar format."""
    return Format.for_training(tiny_checkpoint)
