"""The command against a hub on loopback that takes, refuses, stumbles and breaks off."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openbezoar.errors import PublishError
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.layout import File
from openbezoar.publishing.repository import Repository
from tests.publishing.hub import TOKEN, Fault, Hub, Repo, serving

OURS = b"---\nopenbezoar: {recipe: shelf, stage: data, fingerprint: abc}\n---\n"
CLAIM = Claim("shelf", "data", replace=False)
PROGRAM = "from openbezoar.cli import main; main()"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as found:
        yield found


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with a store of its own."""
    shutil.copytree(made, tmp_path / "store")
    return tmp_path


def started(folder: Path, hub: Hub, *arguments: str, token: str = TOKEN) -> subprocess.Popen[str]:
    home = {"HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": token}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "publish", *arguments, "--store", "store"],
        cwd=folder,
        env={**os.environ, **home, "HF_ENDPOINT": hub.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def publish(folder: Path, hub: Hub, *arguments: str, token: str = TOKEN) -> tuple[int, str, str]:
    """The exit code, what was printed, and what was said, in which the token never is."""
    command = started(folder, hub, *arguments, token=token)
    printed, said = command.communicate(timeout=120)
    assert TOKEN not in printed + said
    return command.returncode, printed, said


@pytest.mark.slow
def test_a_data_set_becomes_a_private_repository_in_one_commit(folder: Path, hub: Hub) -> None:
    code, printed, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert code == 0, said
    repo = hub.repos["datasets/me/set"]
    assert printed.strip() == f"{hub.address}/datasets/me/set"
    assert repo.private
    assert len(repo.commits) == 1
    assert sorted(repo.files) == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
    ]


@pytest.mark.slow
def test_a_model_is_public_only_when_that_is_asked_for_and_only_whole(
    folder: Path, hub: Hub
) -> None:
    code, _, said = publish(folder, hub, "model", "--to", "hf:me/model", "--public")
    assert code == 0, said
    assert not hub.repos["models/me/model"].private
    lines = [line.split(" ")[1] for line in hub.asked]
    assert lines[-1] == "/api/models/me/model/settings"
    assert lines.index("/api/models/me/model/commit/main") < len(lines) - 1


@pytest.mark.slow
def test_nothing_is_sent_twice(folder: Path, hub: Hub) -> None:
    for _ in range(2):
        code, _, said = publish(folder, hub, "model", "--to", "hf:me/model")
        assert code == 0, said
    assert len(hub.sent()) == 2
    assert len(hub.repos["models/me/model"].commits) == 1


@pytest.mark.slow
def test_a_killed_upload_goes_on_with_the_file_it_was_at(folder: Path, hub: Hub) -> None:
    hub.halt = "PUT /lfs/"
    command = started(folder, hub, "model", "--to", "hf:me/model")
    assert hub.hold.wait(120)
    command.send_signal(signal.SIGKILL)
    command.communicate()
    (whole,) = hub.objects
    assert hub.repos["models/me/model"].files == {}
    hub.halt = ""
    code, _, said = publish(folder, hub, "model", "--to", "hf:me/model")
    assert code == 0, said
    assert [line for line in hub.sent() if whole in line] == [f"PUT /lfs/{whole}?signed=x"]
    assert len(hub.repos["models/me/model"].files) == 9


@pytest.mark.slow
@pytest.mark.parametrize("status", [0, 500])
def test_a_stumble_while_a_file_is_sent_is_overcome(folder: Path, hub: Hub, status: int) -> None:
    hub.faults = [Fault("PUT /lfs/", status, times=1)]
    code, _, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert code == 0, said
    assert len(hub.repos["datasets/me/set"].files) == 3


@pytest.mark.slow
def test_an_upload_that_was_cut_off_says_so_and_the_same_command_goes_on(
    folder: Path, hub: Hub
) -> None:
    """The hub's own client tries for 25 seconds before it gives up."""
    hub.faults = [Fault("PUT /lfs/")]
    code, _, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert code == 1
    cut = f"error: {hub.address}/datasets/me/set: the connection was cut"
    assert said.splitlines()[-1].startswith(cut)
    assert said.endswith("the same command goes on from there\n")
    assert hub.repos["datasets/me/set"].commits == []
    hub.faults = []
    code, _, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert code == 0, said
    assert len(hub.repos["datasets/me/set"].files) == 3


@pytest.mark.slow
def test_files_of_an_earlier_publication_go_and_those_of_others_stay(
    folder: Path, hub: Hub
) -> None:
    held = {
        "README.md": OURS,
        "data/train-00000-of-00002.parquet": b"old",
        "notes.txt": b"theirs",
    }
    hub.repos["datasets/me/set"] = Repo(private=True, files=held)
    code, _, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert code == 0, said
    files = hub.repos["datasets/me/set"].files
    assert "notes.txt" in files
    assert "data/train-00000-of-00002.parquet" not in files


@pytest.mark.slow
def test_a_dry_run_shows_every_file_and_asks_the_hub_nothing(folder: Path, hub: Hub) -> None:
    code, printed, said = publish(folder, hub, "model", "--to", "hf:me/model", "--dry-run")
    assert code == 0, said
    assert f"{hub.address}/me/model/model-00001-of-00002.safetensors" in printed
    assert "licence: Apache-2.0" in printed
    assert hub.asked == []


@pytest.fixture
def repository(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A destination in this process; only large files need a process of their own."""
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return Repository("me/set", "dataset", public=False, claim=CLAIM)


@pytest.fixture
def card(tmp_path: Path) -> list[File]:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    return [File("README.md", tmp_path / "README.md")]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("repos/create", 401), "the hub answers 401.*does not know the token"),
        (Fault("repos/create", 403), "the hub answers 403.*may not write there"),
        (Fault("repos/create", 404), "the hub answers 404.*there is no such owner"),
        (Fault("repos/create", 429), "the hub answers 429.*asks for a pause"),
        (Fault("repos/create", 500), "the hub answers 500.*the same command goes on"),
        (Fault("repos/create", 418), r"the hub answers 418: it refuses"),
        (Fault("repos/create"), "the connection was cut.*the same command goes on"),
        (Fault("preupload", 403, "You have read access only"), r"403 \(.*read access only.*\)"),
        (Fault("validate-yaml", 400), "does not take it .*metadata"),
        (Fault("commit", 403), "the hub answers 403.*may not write there"),
        (Fault("commit"), "the connection was cut.*the same command goes on"),
        (Fault("commit", 400, f"odd\nfile {TOKEN}"), r"400 \(.*odd file ….*\): it does not accept"),
    ],
)
def test_whatever_the_hub_refuses_is_one_line(
    repository: Repository, hub: Hub, card: list[File], fault: Fault, told: str
) -> None:
    hub.faults = [fault]
    with pytest.raises(PublishError, match=told) as caught:
        repository.send(card, "Publish")
    line = str(caught.value)
    assert line.startswith(f"{hub.address}/datasets/me/set: ")
    assert TOKEN not in line
    assert "\n" not in line
    assert not any(repo.commits for repo in hub.repos.values())


def test_a_public_repository_takes_nothing_unless_asked(
    repository: Repository, hub: Hub, card: list[File]
) -> None:
    hub.repos["datasets/me/set"] = Repo(private=False)
    with pytest.raises(PublishError, match="is there already, and public; add --public"):
        repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].files == {}


def test_a_public_repository_is_published_into_again_where_that_is_asked_for(
    repository: Repository, hub: Hub, card: list[File]
) -> None:
    hub.repos["datasets/me/set"] = Repo(private=False, files={"README.md": OURS})
    repository.public = True
    repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].commits == ["Publish"]
    assert not hub.repos["datasets/me/set"].private


@pytest.mark.parametrize("beside", [{}, {"README.md": b"---\nlicense: mit\n---\n"}])
def test_a_repository_of_somebody_else_is_not_written_into(
    repository: Repository, hub: Hub, card: list[File], beside: dict[str, bytes]
) -> None:
    theirs = {**beside, "data/train.parquet": b"rows"}
    hub.repos["datasets/me/set"] = Repo(private=True, files=dict(theirs))
    with pytest.raises(PublishError, match=r"holds data/train\.parquet, which no publication"):
        repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].files == theirs


def test_what_another_stage_published_is_replaced_only_on_request(
    repository: Repository, hub: Hub, card: list[File]
) -> None:
    theirs = {"README.md": OURS.replace(b"data", b"pairs"), "data/train.parquet": b"rows"}
    hub.repos["datasets/me/set"] = Repo(private=True, files=dict(theirs))
    with pytest.raises(PublishError, match="holds a publication of stage pairs of recipe shelf"):
        repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].files == theirs
    repository.claim = CLAIM._replace(replace=True)
    repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].commits == ["Publish"]


def test_a_repository_that_was_only_begun_by_hand_is_written_into(
    repository: Repository, hub: Hub, card: list[File]
) -> None:
    begun = {"README.md": b"---\nlicense: gpl\n---\n", ".gitattributes": b""}
    hub.repos["datasets/me/set"] = Repo(private=True, files=begun)
    repository.send(card, "Publish")
    assert hub.repos["datasets/me/set"].commits == ["Publish"]


def test_a_token_that_can_only_read_is_told_before_anything_is_made(
    repository: Repository, hub: Hub
) -> None:
    hub.role = "read"
    with pytest.raises(PublishError, match="the token can only read"):
        repository.log_in()
    assert hub.asked == ["GET /api/whoami-v2"]


def test_a_token_that_the_hub_does_not_know_is_told(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(
        PublishError, match=r"the hub answers 401.*does not know the token"
    ) as caught:
        repository.log_in()
    assert "hf_expired" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [("set", "names no owner"), ("me/my set", "is no name"), ("a/b/c", "is no name")],
)
def test_a_name_that_cannot_be_is_refused(
    repository: Repository, hub: Hub, name: str, told: str
) -> None:
    with pytest.raises(PublishError, match=told):
        Repository(name, "model", public=False, claim=CLAIM).check()
    assert hub.asked == []


@pytest.mark.slow
def test_a_hub_that_may_not_be_asked_is_told(
    folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, _, said = publish(folder, hub, "data", "--to", "hf:me/set")
    assert (code, said) == (1, "error: me/set: HF_HUB_OFFLINE is set; unset it to publish\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "to", "told"),
    [
        ("strangers", "hf:me/set", "would be refused: its licence is in doubt (1 row bears no"),
        ("secrets", "hf:me/set", "would be refused: it holds what looks secret or personal (1 x"),
        ("data", "store", "error: store: holds "),
        ("adaptor", "out", "error: store: holds no stage 'adaptor' (did you mean 'adapter'?)"),
    ],
)
def test_a_dry_run_ends_with_one_where_publishing_is_refused_and_leaves_nothing(
    folder: Path, hub: Hub, stage: str, to: str, told: str
) -> None:
    before = sorted(folder.rglob("*"))
    code, _, said = publish(folder, hub, stage, "--to", to, "--dry-run")
    assert code == 1
    assert told in said
    assert hub.asked == []
    code, printed, _ = publish(folder, hub, stage, "--to", to)
    assert (code, printed) == (1, "")
    assert hub.repos == {}
    assert {*folder.rglob("*")} - {*before} <= {folder / "store" / "publishing", folder / "home"}


@pytest.mark.slow
def test_without_a_token_nobody_is_asked(folder: Path, hub: Hub) -> None:
    code, printed, said = publish(folder, hub, "data", "--to", "hf:me/set", token="")
    assert (code, printed) == (1, "")
    assert said == (
        f"error: {hub.address}: no token; log in with `hf auth login`, or set HF_TOKEN\n"
    )
    assert hub.asked == []
