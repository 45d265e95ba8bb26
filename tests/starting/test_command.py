"""`bezoar init` asks five questions, or none, and `bezoar plan` takes what it wrote."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.test_cli import bezoar


def asked(folder: Path, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from openbezoar.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "init", *arguments],
        cwd=folder, input=typed, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_yes_asks_nothing_and_a_plan_takes_the_recipe(tmp_path: Path) -> None:
    done = asked(tmp_path, "", "--yes", "--preferences", "none")
    assert (done.returncode, done.stdout) == (0, "recipe.yaml\n"), done.stderr
    assert "bezoar plan recipe.yaml" in done.stderr
    planned = bezoar(tmp_path, "plan", "recipe.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "dpo" not in planned.stdout


def test_a_question_is_asked_again_until_its_answer_is_one(tmp_path: Path) -> None:
    done = asked(tmp_path, "sampel\nsample\n\nlamini\n\nnone\n", "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert "did you mean 'sample'" in done.stderr
    assert "kind: lamini" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")


def test_a_flag_answers_its_question_and_the_others_are_asked(tmp_path: Path) -> None:
    flags = ("--rows", "sample", "--teacher", "embedded", "--scheme", "respond")
    done = asked(tmp_path, "\n\n", *flags)
    assert done.returncode == 0, done.stderr
    assert "Which model is trained?" in done.stderr
    assert "Which instructions" not in done.stderr


def test_an_existing_file_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("mine", encoding="utf-8")
    done = asked(tmp_path, "")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: recipe.yaml: is there already; name another file, or add --force"
    ]


def test_where_nobody_answers_it_is_said_how_to_do_without(tmp_path: Path) -> None:
    done = asked(tmp_path, "sample\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: teacher: nobody answers, nothing is written; answer with --teacher, "
        "or let --yes take what is proposed"
    )
    assert not (tmp_path / "recipe.yaml").exists()


def test_a_person_who_breaks_off_is_promised_nothing(tmp_path: Path) -> None:
    program = "from openbezoar.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "init"], cwd=tmp_path, text=True,
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr
        shown = ""
        while "rows [sample]:" not in shown:
            shown += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        _, left = process.communicate(timeout=120)
    assert (process.returncode, left.split()) == (130, ["interrupted"])
