"""An artifact is there whole or not at all, and one process writes at a time."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openbezoar import jsonl
from openbezoar.errors import StoreError
from openbezoar.records import Seed
from openbezoar.store import Artifact, Manifest, Store, fingerprint

PRINT = fingerprint({"setting": 1}, {})
HOLD = """
import sys, pathlib
from openbezoar.store import Store
with Store(pathlib.Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def manifest(stage: str = "rows", print_: str = PRINT, finished: str = "1") -> Manifest:
    return Manifest(
        stage=stage,
        kind="source",
        makes="seeds",
        fingerprint=print_,
        science={},
        inputs={},
        numbers={"rows": 1},
        files={},
        run={"finished": finished},
    )


def make(store: Store, stage: str = "rows", print_: str = PRINT, finished: str = "1") -> Artifact:
    folder = store.begin(stage, print_)
    jsonl.write(folder / "rows.jsonl", [Seed(id="a", instruction="x")])
    return store.commit(folder, manifest(stage, print_, finished))


def test_a_committed_artifact_is_found_with_its_rows(tmp_path: Path) -> None:
    made = make(Store(tmp_path))
    found = Store(tmp_path).find("rows", PRINT)
    assert found == made
    assert [row.id for row in made.rows(Seed)] == ["a"]
    assert made.folder.name == f"rows-{PRINT[:12]}"


def test_the_manifest_holds_the_sum_of_every_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_bytes(b"abc")
    files = store.commit(folder, manifest()).manifest.files
    assert files == {
        "model/weights": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }


def test_a_file_altered_since_it_was_made_is_named_unless_it_is_weights(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "model").mkdir()
    names = ("model/template", "model/config", "model/a.safetensors", "notes")
    for name in names:
        (folder / name).write_bytes(b"abc")
    made = store.commit(folder, manifest())
    assert made.altered("model") == []
    for name in names:
        (made.folder / name).write_bytes(b"abd")
    assert made.altered("model") == ["model/config", "model/template"]
    (made.folder / "model" / "config").unlink()
    assert "model/config" in made.altered("model")


@pytest.mark.parametrize("name", ["model/config", "model/a.safetensors", "rows.jsonl"])
def test_whatever_file_is_altered_or_gone_it_is_named_with_the_fix(
    tmp_path: Path, name: str
) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "model").mkdir()
    for each in ("model/config", "model/a.safetensors", "rows.jsonl"):
        (folder / each).write_bytes(b"abc")
    made = store.commit(folder, manifest())
    made.check_whole()
    (made.folder / name).write_bytes(b"abcd")
    with pytest.raises(StoreError, match=f"{name}: is not as it was made; remove .* and run again"):
        made.check_whole()
    made.check_whole(aside=[name])
    (made.folder / name).unlink()
    with pytest.raises(StoreError, match=f"{name}: is not there any more; remove {made.folder} "):
        made.check_whole()


def test_an_unfinished_folder_is_never_taken_for_a_finished_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "manifest.json").write_text(manifest().model_dump_json(), encoding="utf-8")
    assert store.find("rows", PRINT) is None
    assert store.artifacts() == []
    assert store.has_begun("rows", PRINT)


def test_a_folder_without_a_manifest_is_unfinished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (make(store).folder / "manifest.json").unlink()
    assert store.find("rows", PRINT) is None
    assert make(store).manifest.numbers == {"rows": 1}


def test_what_an_interrupted_run_left_is_cleared_but_for_its_scratch(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "rows.jsonl").write_text("half a li", encoding="utf-8")
    (folder / "model").mkdir()
    (folder / "scratch").mkdir()
    again = store.begin("rows", PRINT)
    assert [path.name for path in again.iterdir()] == ["scratch"]


def test_scratch_is_gone_once_the_artifact_is_complete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("rows", PRINT)
    (folder / "scratch").mkdir()
    (folder / "scratch" / "checkpoint").write_text("x", encoding="utf-8")
    made = store.commit(folder, manifest())
    assert [path.name for path in made.folder.iterdir()] == ["manifest.json"]
    assert not store.has_begun("rows", PRINT)


def test_unfinished_folders_without_a_checkpoint_are_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = make(store)
    prints = {name: fingerprint(name, {}) for name in ("wanted", "resumable", "dead", "bare")}
    folders = {name: store.begin("sft", print_) for name, print_ in prints.items()}
    (folders["resumable"] / "scratch" / "checkpoint-00000010").mkdir(parents=True)
    (folders["dead"] / "scratch" / "checkpoint.partial").mkdir(parents=True)
    (folders["dead"] / "rows.jsonl").write_text("half a li", encoding="utf-8")
    (tmp_path / "notes.partial").mkdir()
    swept = store.sweep([prints["wanted"]])
    assert swept == sorted(folders[name].name for name in ("dead", "bare"))
    left = {path.name for path in tmp_path.iterdir()}
    kept = {folders["wanted"].name, folders["resumable"].name, made.folder.name, "notes.partial"}
    assert left == kept


def test_artifacts_are_listed_oldest_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "later", finished="2026-01-02")
    make(store, "earlier", finished="2026-01-01")
    assert [found.manifest.stage for found in store.artifacts()] == ["earlier", "later"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("", "broken manifest"),
        ("[]", "broken manifest"),
        ("[" * 100_000, "broken manifest"),
        ('{"format": "x"}', "broken manifest"),
        ('{"format": 99, "colour": 1}', "newer version"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(
    tmp_path: Path, change: str, complaint: str
) -> None:
    store = Store(tmp_path)
    (make(store).folder / "manifest.json").write_text(change, encoding="utf-8")
    with pytest.raises(StoreError, match=rf"manifest\.json: .*{complaint}"):
        store.find("rows", PRINT)
    with pytest.raises(StoreError, match=complaint):
        store.artifacts()


def test_a_folder_that_holds_another_artifact_than_its_name_says_is_refused(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    path = make(store).folder / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["fingerprint"] = PRINT[:12] + "0" * 52
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(StoreError, match="holds another artifact"):
        store.find("rows", PRINT)


def test_a_fingerprint_changes_with_the_science_and_with_every_input() -> None:
    prints = {
        fingerprint({"a": 1}, {}),
        fingerprint({"a": 2}, {}),
        fingerprint({"a": 1}, {"seeds": "x"}),
        fingerprint({"a": 1}, {"seeds": "y"}),
        fingerprint({"a": 1}, {"rows": "x"}),
    }
    assert len(prints) == 5


def hold(root: Path) -> subprocess.Popen[str]:
    """Another process that holds the store until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.slow
def test_a_second_process_is_refused_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        with pytest.raises(StoreError, match="another process"), Store(tmp_path).locked():
            pytest.fail("two processes hold one store")
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with Store(tmp_path).locked():
        assert (tmp_path / "lock").exists()


def test_the_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Store(tmp_path).locked():
        raise KeyError
    with Store(tmp_path).locked():
        pass


def test_what_stopped_a_stage_is_told_until_it_is_begun_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.note_stop("rows", "a" * 64, "there is no folder to leave word in")
    assert store.stops() == {}
    folder = store.begin("rows", "a" * 64)
    store.note_stop("rows", "a" * 64, "no answer \ud800")
    assert store.stops() == {folder.name: "no answer ?"}
    store.begin("rows", "a" * 64)
    assert store.stops() == {}


def test_the_recipe_run_last_comes_first_and_each_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = store.keep_recipe("name: one\n"), store.keep_recipe("name: two\n")
    assert store.keep_recipe("name: one\n") == first
    assert list(store.recipes().items()) == [(first, "name: one\n"), (second, "name: two\n")]
