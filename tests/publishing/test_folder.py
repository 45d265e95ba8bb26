"""A folder takes a publication whole or not at all, and is not taken from others."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openbezoar.errors import PublishError
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.folder import OPENING, STAGING, Folder
from openbezoar.publishing.layout import CARD, File
from openbezoar.publishing.scratch import scratch

OURS = "---\nopenbezoar: {recipe: tiny, stage: rows, fingerprint: abc}\n---\n"
CLAIM = Claim("tiny", "rows", replace=False)
ROWS = {CARD: OURS, "data/train-00000-of-00001.parquet": "rows"}
MODEL = {CARD: f"{OURS}# A model\n", "config.json": "{}", "model.safetensors": "weights"}


def made(folder: Path, held: dict[str, str]) -> list[File]:
    """The files of a publication."""
    for name, text in held.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [File(name, folder / name) for name in held]


def held(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_every_file_arrives_under_its_name(tmp_path: Path) -> None:
    Folder(tmp_path / "a" / "b", CLAIM).send(made(tmp_path / "made", ROWS), "")
    assert held(tmp_path / "a" / "b") == ROWS


def test_a_later_publication_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    old = {**ROWS, "data/train-00001-of-00002.parquet": "old rows"}
    Folder(folder, CLAIM).send(made(tmp_path / "old", old), "")
    Folder(folder, CLAIM).send(made(tmp_path / "rows", ROWS), "")
    assert held(folder) == ROWS
    Folder(folder, CLAIM).send(made(tmp_path / "model", MODEL), "")
    assert held(folder) == MODEL


OTHERS = [
    (OURS.replace("rows", "model"), "holds a publication of stage model of recipe tiny, and not"),
    (OURS.replace("tiny", "theirs"), "of stage rows of recipe theirs, and not of rows of tiny; na"),
    ("---\nopenbezoar: {fingerprint: abc}\n---\n", "of an unnamed stage.*with --replace"),
    ("---\nopenbezoar: 5\n---\n", "of an unnamed stage"),
]


@pytest.mark.parametrize(("card", "told"), OTHERS)
def test_what_another_stage_published_is_replaced_only_on_request(
    tmp_path: Path, card: str, told: str
) -> None:
    folder = tmp_path / "out"
    theirs = {CARD: card, "model.safetensors": "weights"}
    made(folder, theirs)
    files = made(tmp_path / "made", ROWS)
    for refuse in (Folder(folder, CLAIM).check, lambda: Folder(folder, CLAIM).send(files, "")):
        with pytest.raises(PublishError, match=told):
            refuse()
    assert held(folder) == theirs
    Folder(folder, CLAIM._replace(replace=True)).send(files, "")
    assert held(folder) == ROWS


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"thesis.tex": "years of work"}, r"holds thesis\.tex, which is not part of a publ"),
        ({**ROWS, "thesis.tex": "years of work"}, r"holds thesis\.tex, which is not part"),
        ({"config.json": "{}", "model.safetensors": "theirs"}, r"holds config\.json, which is not"),
        ({CARD: "---\nlicense: mit\n---\n", "data/a.parquet": "theirs"}, "holds README"),
        ({CARD: "openbezoar: [", "data/a.parquet": "theirs"}, "holds README"),
        ({"deep/deeper/notes.txt": "mine"}, "holds deep/deeper/notes"),
    ],
)
def test_a_folder_of_something_else_is_not_touched(
    tmp_path: Path, theirs: dict[str, str], told: str
) -> None:
    folder = tmp_path / "out"
    made(folder, theirs)
    for refuse in (Folder(folder, CLAIM).check, lambda: Folder(folder, CLAIM).send([], "")):
        with pytest.raises(PublishError, match=told):
            refuse()
    assert held(folder) == theirs


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    made(theirs, {"train.parquet": "rows"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data").symlink_to(theirs)
    with pytest.raises(PublishError, match="holds data, which is not part of a publication"):
        Folder(tmp_path / "out", CLAIM).check()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(PublishError, match="out: is no folder; name another one"):
        Folder(tmp_path / "out", CLAIM).check()


def test_two_do_not_publish_into_one_folder_at_once(tmp_path: Path) -> None:
    files = made(tmp_path / "made", ROWS)
    with (
        scratch(tmp_path / "out" / STAGING),
        pytest.raises(PublishError, match=r"out/\.publishing: another process publishes there"),
    ):
        Folder(tmp_path / "out", CLAIM).send(files, "")


DIES = """
import os, signal, sys
from pathlib import Path
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.folder import Folder
from openbezoar.publishing.layout import File

root, count, left = Path(sys.argv[1]), 0, int(sys.argv[2])
files = [File(p.relative_to(root / "new").as_posix(), p) for p in (root / "new").rglob("*.*")]

def hook(event, arguments):
    global left
    if event in ("shutil.copyfile", "os.rename", "shutil.rmtree"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
Folder(root / "out", Claim("tiny", "rows", False)).send(files, "")
"""


def killed(folder: Path) -> Iterator[dict[str, str]]:
    """What lies in the folder after a publication was killed, at each of its steps in turn."""
    for step in range(30):
        died = subprocess.run([sys.executable, "-c", DIES, str(folder), str(step)], check=False)
        visible = held(folder / "out").items()
        yield {name: text for name, text in visible if not name.startswith(STAGING)}
        if died.returncode == 0:
            return
        assert died.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), [(ROWS, MODEL), (MODEL, ROWS)])
def test_a_killed_publication_is_never_taken_for_a_whole_one(
    tmp_path: Path, old: dict[str, str], new: dict[str, str]
) -> None:
    made(tmp_path / "new", new)
    states = []
    Folder(tmp_path / "out", CLAIM).send(made(tmp_path / "old", old), "")
    for found in killed(tmp_path):
        opens = any(name.split("/")[0] in OPENING for name in found)
        assert found in (old, new) or not opens, json.dumps(found)
        states.append(found)
    assert len(states) > len(new)
    assert held(tmp_path / "out") == new
