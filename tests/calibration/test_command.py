"""`bezoar calibrate`, as a person types it: killed, continued, measured, written."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-c", "from openbezoar.cli import main; main()", "calibrate"]
STAGE = ["recipe.yaml", "kept", "--store", "store"]
LABELS = Path("calibration/recipe.kept.labels.jsonl")
THRESHOLD = Path("calibration/recipe.kept.yaml")


def calibrate(
    folder: Path, *options: str, keys: str = "", stage: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *(stage or STAGE), *options],
        cwd=folder, input=keys, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@contextmanager
def started(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """The command at work; it never outlives the test."""
    with subprocess.Popen(
        [*PROGRAM, *STAGE, *options], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_for(lines: IO[str], ending: str) -> None:
    """Read until the line of progress ends so; the line of the row goes on after its number."""
    assert any(line.endswith(ending) for line in lines), ending


def labelled(folder: Path) -> Path:
    """Labels for all rows as of a person who accepts quality 8 and better."""
    lines = [f"r{n},{'accept' if n % 10 > 7 else 'reject'}" for n in range(60)]
    (folder / "given.csv").write_text("\n".join(["row,label", *lines]), encoding="utf-8")
    return folder


@pytest.mark.parametrize("after", [1, 12])
def test_a_kill_in_the_middle_of_labelling_loses_nothing(made: Path, after: int) -> None:
    with started(made) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for number in range(after):
            process.stdin.write("a\n")
            process.stdin.flush()
            wait_for(process.stderr, f" {number + 1} of 61\n")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert len((made / LABELS).read_text(encoding="utf-8").splitlines()) == after
    done = calibrate(made, keys="r" * 200)
    assert f"{after} of 61" in done.stderr, "it goes on where it was"
    answers = [json.loads(line) for line in (made / LABELS).read_text().splitlines()]
    assert [line["label"] for line in answers] == ["accept"] * after + ["reject"] * (61 - after)
    assert len({line["row"] for line in answers}) == 61


def test_the_figures_are_on_stdout_and_the_rest_beside(made: Path) -> None:
    done = calibrate(labelled(made), "--import", "given.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("judge       acceptance on scripted")
    assert "<- chosen" in done.stdout
    assert done.stderr.startswith("given.csv: 60 of 60 labels taken\n")
    assert f"{THRESHOLD}: rows rated 8 or more are kept" in done.stderr
    assert "threshold: 8.0\n" in (made / THRESHOLD).read_text(encoding="utf-8")
    found = json.loads(calibrate(made, "--json").stdout)
    assert (found["threshold"], found["labelled"], found["unreadable"]) == (8, 54, 6)


def test_a_precision_that_is_out_of_reach_is_told_and_nothing_written(made: Path) -> None:
    calibrate(labelled(made), "--import", "given.csv")
    (made / THRESHOLD).unlink()
    (made / "given.csv").write_text("row,label\nr9,reject\nr8,reject\n", encoding="utf-8")
    done = calibrate(made, "--import", "given.csv", "--precision", "1")
    assert done.returncode == 1
    assert done.stdout
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "no threshold reaches a precision of 1 (the best is 0.83)" in error
    assert not (made / THRESHOLD).exists()


def test_judges_are_compared_in_one_table(made: Path) -> None:
    calibrate(labelled(made), "--import", "given.csv")
    before = (made / THRESHOLD).stat().st_mtime_ns
    done = calibrate(made, "--compare", "{kind: acceptance, model: lenient}", "--json")
    own, lenient = json.loads(done.stdout)
    assert (own["judge"], own["unreadable"], own["auc"]) == ("kept", 6, 1)
    assert (lenient["kappa"], lenient["unreadable"], lenient["auc"]) == (0, 0, 0.5)
    assert (made / THRESHOLD).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("stage", "complaint"),
    [
        (("recipe.yaml", "plain", "--store", "store"), "stages.plain: has no `judged` filter"),
        (("recipe.yaml", "kept", "--store", "new"), "run `bezoar run recipe.yaml` first"),
        (("absent.yaml", "kept"), "absent.yaml: no such recipe"),
        ((*STAGE, "--import", "absent.csv"), "absent.csv: no such file"),
        ((*STAGE, "--compare", "kpet"), "no stage 'kpet' (did you mean 'kept'?)"),
    ],
)
def test_a_mistake_is_one_line(made: Path, stage: tuple[str, ...], complaint: str) -> None:
    done = calibrate(made, stage=stage)
    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_page_ends_in_figures_too(made: Path) -> None:
    with started(made, "--web", "-n", "61") as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[4]
        answers = [("answer", {"place": place, "answer": "accept"}) for place in range(61)]
        for action, asked in [*answers, ("done", {})]:
            body, kind = json.dumps(asked).encode(), {"Content-Type": "application/json"}
            with urlopen(Request(address + action, body, kind), timeout=30) as reply:  # noqa: S310
                assert reply.status == 200
        out, err = process.communicate(timeout=60)
    assert "labels      55 with a readable grade" in out
    assert "rows rated 1 or more are kept" in err


def test_an_interrupt_keeps_what_was_saved(made: Path) -> None:
    with started(made, "--web") as process:
        assert process.stderr is not None
        assert "label the rows at http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues from here" in err
