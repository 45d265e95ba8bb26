"""Finding, checking and fetching public data sets, against a real server on loopback."""

import gzip
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from openbezoar import catalog, files
from openbezoar.errors import DataError

MT_BENCH = ("question.jsonl", "judge_prompts.jsonl", "reference_answer/gpt-4.jsonl")
DOLLY = ("dolly", "databricks-dolly-15k.jsonl")


@pytest.fixture(autouse=True)
def _no_data_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENBEZOAR_DATA", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


@pytest.fixture
def shared(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    return data_folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep test output quiet."""


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which it is served."""
    folder = tmp_path / "published"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def publish(folder: Path, set_name: str, contents: dict[str, bytes]) -> None:
    known = catalog._set(set_name)
    for file, content in contents.items():
        path = folder / known.repository / known.revision / known.files[file].remote
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_every_file_of_the_shared_folder_that_we_know_has_a_published_sum(shared: Path) -> None:
    found = [row for row in catalog.listing() if row.path]
    assert len(found) >= 40
    assert {row.state for row in found} == {"here"}


def test_no_set_has_a_sum_that_is_not_one() -> None:
    sums = [s for known in catalog._sets().values() for f in known.files.values() for s in f.sha256]
    assert all(re.fullmatch(r"[0-9a-f]{64}", known) for known in sums)
    assert len(set(sums)) == len(sums)


def test_every_downloadable_file_has_a_host() -> None:
    for known in catalog._sets().values():
        if any(file.remote for file in known.files.values()):
            assert known.host in catalog.HOSTS
            assert known.repository
            assert known.revision


def test_a_gzipped_copy_stands_for_the_published_file(shared: Path) -> None:
    assert catalog.find(*DOLLY) == shared / "dolly" / "databricks-dolly-15k.jsonl.gz"


def test_a_missing_set_names_where_it_looked_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataError) as caught:
        catalog.find(*DOLLY)
    assert str(caught.value) == (
        f"dolly/databricks-dolly-15k.jsonl: the data set is not in {tmp_path}/mine and "
        f"{tmp_path}/cache/data; `bezoar data pull dolly` fetches it"
    )


def test_a_file_with_a_wrong_sum_is_refused_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dolly" / "databricks-dolly-15k.jsonl"
    path.parent.mkdir()
    path.write_text("{}\n")
    monkeypatch.setenv("OPENBEZOAR_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"^{path}: its sha256 is .* not a published copy"):
        catalog.find(*DOLLY)
    assert catalog.verify("dolly")[0].state == "wrong sum"


def test_the_named_folder_comes_before_the_downloads(shared: Path, tmp_path: Path) -> None:
    copy = tmp_path / "cache" / "data" / "mt_bench" / "question.jsonl"
    copy.parent.mkdir(parents=True)
    shutil.copyfile(shared / "mt_bench" / "question.jsonl", copy)
    assert catalog.find("mt_bench", "question.jsonl") == shared / "mt_bench" / "question.jsonl"


@pytest.mark.parametrize(
    ("set_name", "file", "message"),
    [
        ("doly", "x", "doly: no such data set (did you mean 'dolly'?)"),
        ("mt_bench", "questions.jsonl", "mt_bench: has no file 'questions.jsonl' (did you mean"),
    ],
)
def test_a_misspelt_name_gets_the_nearest(set_name: str, file: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        catalog.find(set_name, file)


def test_evidence_is_the_files_sum_where_it_is_and_the_published_one_where_not(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalog.evidence(*DOLLY).startswith("2df9083338b4")
    assert catalog.evidence("hh-rlhf", "harmless-base/train.jsonl.gz") == "absent"
    monkeypatch.setenv("OPENBEZOAR_DATA", str(data_folder))
    assert catalog.evidence(*DOLLY) == files.digest(catalog.find(*DOLLY))


def test_a_pulled_set_is_found_and_verified(data_folder: Path, published: tuple[Path, str]) -> None:
    folder, address = published
    publish(
        folder,
        "mt_bench",
        {file: (data_folder / "mt_bench" / file).read_bytes() for file in MT_BENCH},
    )
    said: list[str] = []
    rows = catalog.pull("mt_bench", hosts={"github": address}, say=said.append)
    assert [row.state for row in rows] == ["here"] * 3
    assert catalog.find("mt_bench", MT_BENCH[0]).is_relative_to(files.cache_folder())
    assert len(said) == 3
    catalog.pull("mt_bench", hosts={"github": "http://127.0.0.1:1"})


def test_the_hub_is_asked_under_its_own_address_scheme(
    published: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = published
    monkeypatch.setenv("HF_ENDPOINT", address)
    path = folder / "datasets/databricks/databricks-dolly-15k/resolve/main" / DOLLY[1]
    path.parent.mkdir(parents=True)
    path.write_text("not dolly")
    with pytest.raises(DataError, match="what came has sha256"):
        catalog.pull("dolly")
    assert catalog.verify("dolly")[0].state == "missing"


def test_a_file_that_is_gone_upstream_is_named(published: tuple[Path, str]) -> None:
    with pytest.raises(DataError, match=r"question.jsonl: the server answers 404"):
        catalog.pull("mt_bench", hosts={"github": published[1]})


def test_a_file_without_a_known_sum_is_unverified_until_it_changes(
    published: tuple[Path, str],
) -> None:
    folder, address = published
    names = [file for file, known in catalog._set("flan").files.items() if known.remote]
    publish(folder, "flan", {file: file.encode() for file in names})
    catalog.pull("flan", hosts={"github": address})
    states = {row.file: row.state for row in catalog.verify("flan")}
    assert {states[file] for file in names} == {"unverified"}
    catalog.find("flan", names[0]).write_bytes(gzip.compress(b"other"))
    with pytest.raises(DataError, match="not a published copy"):
        catalog.find("flan", names[0])


def test_a_set_that_cannot_be_downloaded_says_what_to_do() -> None:
    with pytest.raises(DataError, match="name a folder that holds it with OPENBEZOAR_DATA"):
        catalog.pull("lm_eval")


def test_a_broken_table_of_sums_is_named() -> None:
    path = files.cache_folder() / "data" / catalog.SUMS
    path.parent.mkdir(parents=True)
    path.write_text("[1]")
    (path.parent / "flan" / "cot_data").mkdir(parents=True)
    (path.parent / "flan" / "cot_data" / "aqua_train.tsv").write_text("q\ta\tr\n")
    with pytest.raises(DataError, match=r"sums.json: is not a table of sums"):
        catalog.verify("flan")


def test_a_data_set_says_where_it_was_published() -> None:
    dolly, orca = catalog.published("dolly"), catalog.published("orca")
    assert dolly.address == "https://huggingface.co/datasets/databricks/databricks-dolly-15k"
    assert (dolly.licence, dolly.on_hub) == ("CC-BY-SA-3.0", True)
    assert (orca.repository, orca.address, orca.on_hub) == ("orca", "", False)
