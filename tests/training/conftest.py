"""What the training tests share: encoded rows, a loaded tiny model, tokenizers of other kinds."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Preference
from openbezoar.training.adapters import Lora, attach_adapter, load_model
from openbezoar.training.format import Encoded, Format
from openbezoar.training.loop import Course
from openbezoar.training.settings import Optimisation, TrainingRuntime
from tests.conftest import turns

Rows = list[tuple[Encoded, ...]]
WORDS = ("red", "green", "blue", "seven", "north", "a longer answer of some words", "yes", "no")


@pytest.fixture(scope="session")
def format_(tiny_checkpoint: Path) -> Format:
    """The tiny checkpoint's tokenizer in the OpenBezoar format."""
    return Format.for_training(tiny_checkpoint)


@pytest.fixture(scope="session")
def rows(format_: Format) -> Rows:
    """Eight rows of different lengths."""
    questions = (turns(f"Question {place}" * (1 + place % 3)) for place in range(8))
    return [
        (format_.encode(asked, answer, 2048),)
        for asked, answer in zip(questions, WORDS, strict=True)
    ]


@pytest.fixture(scope="session")
def pairs(format_: Format) -> Rows:
    """Six preference pairs."""
    objective = DirectPreferenceOptimization()
    return [
        objective.encode(
            Preference(
                id=str(place),
                prompt=turns(f"Question {place}"),
                chosen=WORDS[place],
                rejected=WORDS[place + 1] * 2,
            ),
            format_,
            2048,
        )
        for place in range(6)
    ]


@pytest.fixture
def adapted(tiny_checkpoint: Path) -> Callable[..., Any]:
    """Make the tiny model in float32 with a new adapter, always the same one."""

    def make(precision: Any = "float32", dropout: float = 0.0, **settings: Any) -> Any:
        import torch

        torch.manual_seed(0)
        lora = Lora(r=4, alpha=8, dropout=dropout, **settings)
        return attach_adapter(load_model(tiny_checkpoint, precision=precision), lora)

    return make


@pytest.fixture
def course(tmp_path: Path) -> Callable[..., Course]:
    """Describe a small training."""

    def make(
        train: Rows, valid: Sequence[Any] = (), objective: Any = None, **settings: Any
    ) -> Course:
        runtime = {
            name: settings.pop(name)
            for name in ("micro_tokens", "checkpoint_every", "health")
            if name in settings
        }
        return Course(
            objective=objective or SupervisedFineTuning(),
            settings=Optimisation(**{"batch_rows": 4, "learning_rate": 1e-2, **settings}),
            runtime=TrainingRuntime(device="cpu", **runtime),
            seed=3,
            train=train,
            valid=valid,
            scratch=tmp_path / "scratch",
            say=lambda text: None,
        )

    return make


def tokenizer_of(backend: Any, **specials: str) -> Any:
    """A tokenizer as transformers wraps it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend, **specials)
