"""The store: a folder per artifact, named by what determines it, complete with its manifest."""

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import NamedTuple, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from openbezoar import files, jsonl
from openbezoar.component import digest
from openbezoar.errors import StoreError
from openbezoar.records import Row

__all__ = ["Artifact", "Manifest", "Store", "Survey", "fingerprint"]

MANIFEST = "manifest.json"
FORMAT = 1
SCRATCH = "scratch"
"""The part of an unfinished artifact that is removed at commit: training checkpoints."""
STOPPED = "stopped.txt"
"""The part of an unfinished artifact that says why it is; gone when the stage is begun again."""
RECIPES = "recipes"
"""The folder of every recipe that was run, each in a file named by its sha256."""
PRINT = 12 * "[0-9a-f]"
"""How the name of a folder ends: with the start of its fingerprint."""

AnyRow = TypeVar("AnyRow", bound=Row)


class Manifest(BaseModel):
    """What an artifact is, what it was made from and what was counted while making it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    stage: str
    kind: str
    makes: str
    """seeds, examples, preferences, a data set of either, adapter, model or scores."""
    fingerprint: str
    science: JsonValue
    """The settings, model settings, seed and versions that determine the artifact."""
    inputs: dict[str, str]
    """The fingerprint of every input, by stage name."""
    numbers: dict[str, JsonValue]
    files: dict[str, str]
    """The sha256 of every file of the artifact."""
    run: dict[str, JsonValue]
    """When, where and how fast it was made: the only part that differs between equal runs."""


@dataclass(frozen=True)
class Artifact:
    """A finished folder of the store."""

    folder: Path
    manifest: Manifest

    @property
    def numbers(self) -> dict[str, JsonValue]:
        """The stage's numbers."""
        return self.manifest.numbers

    def rows(self, record: type[AnyRow], name: str = "rows.jsonl") -> Iterator[AnyRow]:
        """Read the artifact's rows."""
        return jsonl.read(self.folder / name, record)

    def altered(self, below: str) -> list[str]:
        """The files below a folder, weights aside, that are not as they were made."""
        made = {
            name: print_
            for name, print_ in self.manifest.files.items()
            if name.startswith(f"{below}/") and not name.endswith(".safetensors")
        }
        return [name for name, print_ in made.items() if _digest(self.folder / name) != print_]

    def check_whole(self, aside: Collection[str] = ()) -> None:
        """Raise StoreError when a file, weights among them, is not as it was made.

        A file is read once for as long as its size and time stay.
        """
        for name, print_ in self.manifest.files.items():
            path = self.folder / name
            if name not in aside and not (path.is_file() and files.digest(path) == print_):
                what = "is not as it was made" if path.exists() else "is not there any more"
                raise StoreError(f"{path}: {what}; remove {self.folder} and run again")


class Survey(NamedTuple):
    """What a store holds, whatever its state."""

    artifacts: list[Artifact]
    """Finished, oldest first."""
    broken: dict[str, str]
    """What is wrong, by folder."""
    unfinished: list[str]
    """The folders that an interrupted or running run left."""


def fingerprint(science: JsonValue, inputs: Mapping[str, str]) -> str:
    """The sha256 of what determines an artifact."""
    return digest({"science": science, "inputs": dict(inputs)})


class Store:
    """A folder of artifacts, written by one process at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, stage: str, print_: str) -> Artifact | None:
        """The finished artifact of a stage with this fingerprint, if there is one."""
        folder = self.root / f"{stage}-{print_[:12]}"
        if not (folder / MANIFEST).exists():
            return None
        artifact = Artifact(folder, _read_manifest(folder / MANIFEST))
        if artifact.manifest.fingerprint != print_:
            raise StoreError(f"{folder}: holds another artifact than its name says; remove it")
        return artifact

    def artifacts(self) -> list[Artifact]:
        """Every finished artifact, oldest first; StoreError names a manifest that is broken."""
        manifests = self.root.glob(f"*/{MANIFEST}")
        folders = [path.parent for path in manifests if not path.parent.name.endswith(".partial")]
        found = [Artifact(folder, _read_manifest(folder / MANIFEST)) for folder in folders]
        return sorted(found, key=_finished)

    def survey(self) -> Survey:
        """Everything in the store; broken and unfinished folders are named instead of raised."""
        found = Survey([], {}, [])
        for folder in sorted(self.root.glob(f"*-{PRINT}")):
            try:
                manifest = _read_manifest(folder / MANIFEST)
            except (StoreError, OSError) as error:
                found.broken[folder.name] = str(error)
            else:
                found.artifacts.append(Artifact(folder, manifest))
        found.artifacts.sort(key=_finished)
        found.unfinished.extend(sorted(path.name for path in self.root.glob("*.partial")))
        return found

    def begin(self, stage: str, print_: str) -> Path:
        """The unfinished folder of an artifact: what an interrupted run left, or a new one."""
        folder = self.root / f"{stage}-{print_[:12]}.partial"
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():
            if left.name != SCRATCH:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        return folder

    def note_stop(self, stage: str, print_: str, why: str) -> None:
        """Leave word in an unfinished folder of what stopped the stage."""
        folder = self.root / f"{stage}-{print_[:12]}.partial"
        if folder.is_dir():
            (folder / STOPPED).write_text(why, encoding="utf-8", errors="replace")

    def stops(self) -> dict[str, str]:
        """What stopped a stage, by the unfinished folder that says so."""
        notes = sorted(self.root.glob(f"*-{PRINT}.partial/{STOPPED}"))
        return {
            note.parent.name: note.read_text(encoding="utf-8", errors="replace") for note in notes
        }

    def has_begun(self, stage: str, print_: str) -> bool:
        """Whether an interrupted run left an unfinished artifact."""
        return (self.root / f"{stage}-{print_[:12]}.partial").exists()

    def sweep(self, wanted: Collection[str]) -> list[str]:
        """Remove unfinished folders that nothing can go on from; their names. Needs the lock.

        One that holds a checkpoint stays, and so does one of the wanted fingerprints.
        """
        names = [path.name for path in sorted(self.root.glob(f"*-{PRINT}.partial"))]
        kept = tuple(f"-{print_[:12]}.partial" for print_ in wanted)
        dead = [
            name
            for name in names
            if not name.endswith(kept)
            and not any((self.root / name / SCRATCH).glob("checkpoint-*"))
        ]
        for name in dead:
            shutil.rmtree(self.root / name)
        return dead

    def commit(self, folder: Path, manifest: Manifest) -> Artifact:
        """Complete an unfinished folder: files to disk, manifest last, then one rename."""
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)
        manifest = manifest.model_copy(update={"files": _sync_and_digest(folder)})
        with (folder / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False))
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        final = folder.with_name(folder.name.removesuffix(".partial"))
        shutil.rmtree(final, ignore_errors=True)
        folder.rename(final)
        jsonl.sync_folder(self.root)
        return Artifact(final, manifest)

    def keep_recipe(self, text: str) -> str:
        """Keep the text of a recipe that is run, as the one run last; its sha256."""
        print_ = sha256(text.encode()).hexdigest()
        folder = self.root / RECIPES
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / f"{print_}.part"
        half.write_text(text, encoding="utf-8")
        half.replace(folder / f"{print_}.yaml")
        return print_

    def recipes(self) -> dict[str, str]:
        """The text of every recipe that was run, by its sha256, the one run last first."""
        files = [*(self.root / RECIPES).glob("*.yaml")]
        files.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return {path.stem: path.read_text(encoding="utf-8") for path in files}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store alone; StoreError when another process holds it."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"{self.root}: another process is using this store; wait for it, "
                "or give this run its own with --store DIR"
            ) from None
        try:
            yield
        finally:
            lock.release()


def _digest(path: Path) -> str:
    if not path.is_file():
        return "absent"
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _finished(artifact: Artifact) -> str:
    return str(artifact.manifest.run.get("finished"))


def _read_manifest(path: Path) -> Manifest:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        newer = isinstance(content, dict) and content.get("format", FORMAT) > FORMAT
        if newer:
            raise StoreError(f"{path}: written by a newer version; upgrade openbezoar to read it")
        return Manifest.model_validate(content)
    except (ValidationError, ValueError, TypeError, RecursionError):
        raise StoreError(f"{path}: broken manifest; remove its folder and run again") from None


def _sync_and_digest(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            digests[path.relative_to(folder).as_posix()] = _digest(path)
            with path.open("rb") as file:
                os.fsync(file.fileno())
    return digests
