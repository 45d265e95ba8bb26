"""Every label is on disk when it is said to be, whatever happens next."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openbezoar.calibration.labels import Labels, print_of
from openbezoar.errors import DataError
from tests.calibration.conftest import row

ONE, TWO = row("one", "First."), row("two", "Second.")
Lines = Callable[[], list[dict[str, object]]]


def labels(folder: Path, told: list[str] | None = None) -> Labels:
    return Labels(folder / "labels.jsonl", (told if told is not None else []).append)


def test_the_last_label_of_a_row_wins_and_the_file_only_grows(tmp_path: Path, lines: Lines) -> None:
    held = labels(tmp_path)
    held.put(ONE, "accept")
    held.put(TWO, "skip")
    held.put(ONE, "reject")
    assert [line["label"] for line in lines()] == ["accept", "skip", "reject"]
    assert [labels(tmp_path).of(each) for each in (ONE, TWO)] == ["reject", "skip"]


def test_undo_appends_what_stood_before_and_survives_a_restart(
    tmp_path: Path, lines: Lines
) -> None:
    held = labels(tmp_path)
    held.put(ONE, "accept")
    held.put(ONE, "reject")
    held.put(TWO, "accept")
    assert labels(tmp_path).undo() == "two"
    again = labels(tmp_path)
    assert (again.undo(), again.of(ONE), again.of(TWO)) == ("one", "accept", None)
    assert (again.undo(), again.of(ONE), again.undo()) == ("one", None, None)
    assert len(lines()) == 6, "nothing is ever taken out"


def test_another_text_under_the_same_id_has_no_label(tmp_path: Path) -> None:
    held = labels(tmp_path)
    held.put(ONE, "accept")
    changed = row("one", "Something else.")
    assert held.of(changed) is None
    held.put(changed, "reject")
    held.undo()
    assert held.of(changed) is None, "undo does not give it the other text's label"


def test_the_print_is_of_what_is_read() -> None:
    graded = ONE.model_copy(update={"verdicts": (), "scheme": "evol", "origin": "elsewhere"})
    assert print_of(graded) == print_of(ONE)
    assert print_of(ONE.model_copy(update={"target": "5"})) != print_of(ONE)


@pytest.mark.parametrize(
    ("tail", "kept", "told"),
    [
        ('{"row": "two", "te', 1, 'cut off and is taken out: b\'{"row": "two", "te\''),
        ('{"row":"two","text":"x","label":"skip"}', 2, ""),
    ],
)
def test_a_last_line_that_was_cut_off_is_mended_and_shown(
    tmp_path: Path, lines: Lines, tail: str, kept: int, told: str
) -> None:
    labels(tmp_path).put(ONE, "accept")
    with (tmp_path / "labels.jsonl").open("a", encoding="utf-8") as file:
        file.write(tail)
    said: list[str] = []
    labels(tmp_path, said).put(TWO, "reject")
    assert told in "".join(said)
    assert bool(said) == bool(told)
    assert [line["row"] for line in lines()] == ["one", "two", "two"][: kept + 1]


def test_a_broken_line_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"row":"a","text":"x","label":"maybe"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.jsonl:1: field label is none of ") as failure:
        labels(tmp_path)
    assert "\n" not in str(failure.value)


def test_a_file_that_cannot_be_written_is_an_error_and_no_label(tmp_path: Path) -> None:
    held = labels(tmp_path)
    (tmp_path / "labels.jsonl").mkdir()
    with pytest.raises(IsADirectoryError):
        held.put(ONE, "accept")
    assert held.of(ONE) is None


ENDLESS = """
import sys
from pathlib import Path
from openbezoar.calibration.labels import Labels
from tests.calibration.conftest import row
held = Labels(Path(sys.argv[1]), print)
for number in range(100_000):
    held.put(row(f"r{number}", "An answer."), "accept")
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 40])
def test_a_kill_loses_no_label_that_was_said_to_be_saved(tmp_path: Path, after: int) -> None:
    path = tmp_path / "labels.jsonl"
    command = [sys.executable, "-c", ENDLESS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        saved = [process.stdout.readline() for _ in range(after)][-1]
        os.kill(process.pid, signal.SIGKILL)
        saved = [saved, *process.stdout.readlines()][-1]
    assert process.returncode == -signal.SIGKILL
    told: list[str] = []
    held = Labels(path, told.append)
    assert len(held.ids()) - (int(saved) + 1) in (0, 1), "one may be saved and not yet told"
    assert [json.loads(line)["label"] for line in path.read_text().splitlines()] == [
        "accept"
    ] * len(held.ids())
