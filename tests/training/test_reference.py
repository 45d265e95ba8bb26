"""A row's reference is remembered to the bit, and anything that may change it is a miss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from openbezoar.training.adapters import set_dropout
from openbezoar.training.format import Encoded
from openbezoar.training.packing import pack
from openbezoar.training.reference import (
    Reference,
    fingerprint,
    reference_log_probabilities,
    row_print,
)
from tests.training.conftest import Rows
from tests.training.test_logps import perturbed

Make = Callable[..., Any]
ROWS: Rows = [(Encoded([1, 2, 3], [False, True, True]), Encoded([1, 4], [False, True]))]
FOUND = torch.tensor([[-1 / 3, -2e-30]])


class Passes:
    """Counts how often it is asked to compute."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> torch.Tensor:
        self.count += 1
        return FOUND * self.count


def found_by(passes: Passes, folder: Path, rows: Rows = ROWS, print_: str = "a") -> torch.Tensor:
    """What is fetched by a training that begins and keeps what it found."""
    known = Reference(folder, print_)
    found = known.fetch(rows, passes)
    known.share()
    return found


def test_a_row_is_computed_once_and_remembered_to_the_bit(tmp_path: Path) -> None:
    passes = Passes()
    assert torch.equal(found_by(passes, tmp_path), FOUND)
    assert torch.equal(found_by(passes, tmp_path), FOUND)
    assert passes.count == 1


def test_what_was_computed_first_stays(tmp_path: Path) -> None:
    """A resumed step computes rows anew beside one that is known from before."""
    passes, other = Passes(), [(ROWS[0][1], ROWS[0][0])]
    found_by(passes, tmp_path)
    known = Reference(tmp_path, "a")
    known.fetch([*ROWS, *other], lambda: torch.cat([FOUND * 7, FOUND]))
    known.share()
    assert torch.equal(found_by(passes, tmp_path), FOUND)
    assert passes.count == 1


def test_one_of_several_processes_writes(tmp_path: Path) -> None:
    silent, passes = Reference(tmp_path, "a", writes=False), Passes()
    for _ in range(2):
        silent.fetch(ROWS, passes)
        silent.share()
    assert passes.count == 1
    assert not list(tmp_path.iterdir())


def test_another_model_is_a_miss(tmp_path: Path) -> None:
    passes = Passes()
    for print_ in ("a", "b", "a", "b"):
        found_by(passes, tmp_path, print_=print_)
    assert passes.count == 2


@pytest.mark.parametrize(
    "other",
    [
        (Encoded([1, 2, 5], [False, True, True]), ROWS[0][1]),
        (Encoded([1, 2, 3], [False, False, True]), ROWS[0][1]),
        (Encoded([1, 2, 3], [False, True, True]),),
        (ROWS[0][1], ROWS[0][0]),
    ],
)
def test_another_row_is_a_miss(tmp_path: Path, other: tuple[Encoded, ...]) -> None:
    passes = Passes()
    found_by(passes, tmp_path)
    found_by(passes, tmp_path, [other])
    assert passes.count == 2
    assert row_print(other) != row_print(ROWS[0])


def test_half_a_line_of_a_killed_process_is_a_miss_and_spoils_no_other(tmp_path: Path) -> None:
    passes = Passes()
    found_by(passes, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text(encoding="utf-8")[:-4], encoding="utf-8")
    for _ in range(3):
        found_by(passes, tmp_path)
    assert passes.count == 2


def test_two_models_of_the_same_weights_have_one_fingerprint(adapted: Make) -> None:
    assert fingerprint(adapted(), "x") == fingerprint(adapted(), "x")


def test_the_adapter_does_not_count_for_it_is_switched_off(adapted: Make) -> None:
    assert fingerprint(adapted()) == fingerprint(perturbed(adapted()))


def test_one_changed_weight_is_another_fingerprint(adapted: Make) -> None:
    model = adapted()
    before = fingerprint(model)
    with torch.no_grad():
        model.get_base_model().lm_head.weight[7, 3] += 1e-3
    assert fingerprint(model) != before


def test_each_precision_and_each_setting_has_a_fingerprint_of_its_own(adapted: Make) -> None:
    made = [fingerprint(adapted(precision=kind)) for kind in ("float32", "bfloat16", "nf4")]
    made += [fingerprint(adapted(), *settings) for settings in (("template",), (512,), (1024,))]
    assert len(set(made)) == len(made)


def test_two_reference_passes_are_equal_to_the_bit_whatever_the_adapter_and_dropout(
    adapted: Make, pairs: Rows
) -> None:
    packed = pack(pairs)
    model = adapted(dropout=0.5)
    set_dropout(model, on=True)
    first = reference_log_probabilities(model, packed)
    moved = perturbed(adapted(dropout=0.5))
    set_dropout(moved, on=True)
    assert torch.equal(first, reference_log_probabilities(model, packed))
    assert torch.equal(first, reference_log_probabilities(moved, packed))
    assert first.dtype == torch.float32
    assert not first.requires_grad
