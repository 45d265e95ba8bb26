"""Named sets of lm-eval's tasks with their shots, each with what it is and where it is from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["SUITES", "Suite"]


class Suite(NamedTuple):
    """Tasks that are measured together."""

    what: str
    source: str
    tasks: Mapping[str, int]
    """The solved examples before each question, by lm-eval's name of the task."""


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "paper": Suite(
            "ten tasks without solved examples; the paper says ten and does not name them",
            "the tasks that its base model, OpenLLaMA 3B v2, was published with",
            dict.fromkeys(
                (
                    "arc_challenge", "arc_easy", "boolq", "hellaswag", "openbookqa",
                    "piqa", "rte", "truthfulqa_mc2", "wic", "winogrande",
                ),
                0,
            ),
        ),
        "leaderboard_v1": Suite(
            "the six tasks of the first Open LLM Leaderboard, whose figures were acc_norm of ARC "
            "and HellaSwag, acc of MMLU, TruthfulQA's mc2 and WinoGrande, exact_match of GSM8K",
            "the Open LLM Leaderboard of April 2024, when the paper appeared",
            {
                "arc_challenge": 25, "hellaswag": 10, "mmlu": 5, "truthfulqa_mc2": 0,
                "winogrande": 5, "gsm8k": 5,
            },
        ),
    }
)  # fmt: skip
"""By the name that a recipe gives."""
