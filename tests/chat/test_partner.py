"""Which model a name stands for (traps P3 and P28)."""

import json
from pathlib import Path

import pytest

from openbezoar import jsonl
from openbezoar.chat.partner import Chat, find
from openbezoar.component import digest
from openbezoar.errors import ConfigError
from openbezoar.families import Sampling
from openbezoar.models.llama_cpp import LlamaCpp
from openbezoar.models.scripted import Scripted
from openbezoar.models.transformers import Transformers
from openbezoar.sources.jsonl import JsonlSource
from openbezoar.store import Artifact, Manifest, Store

SCRIPTED = Scripted(lines=())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def merged(store: Store, stage: str = "sft", makes: str = "model") -> Artifact:
    """A merge stage whose model is two files."""
    print_ = digest(stage)
    folder = store.begin(stage, print_)
    (folder / "model").mkdir()
    for name in ("chat_template.jinja", "model.safetensors"):
        (folder / "model" / name).write_text("made", encoding="utf-8")
    manifest = Manifest(
        stage=stage, kind="merge", makes=makes, fingerprint=print_, science={}, inputs={},
        numbers={}, files={}, run={},
    )  # fmt: skip
    return store.commit(folder, manifest)


def test_a_name_is_the_recipe_s_then_the_store_s_then_a_folder_s_or_the_hub_s(store: Store) -> None:
    folder = merged(store).folder / "model"
    of_store = Transformers(checkpoint=str(folder))
    assert find("sft", store, {"sft": SCRIPTED}, False).spec == SCRIPTED
    assert find("sft", store, {}, False).spec == of_store
    assert find(str(folder), store, {}, False).spec == of_store
    assert find(str(store.root), store, {}, False).spec == Transformers(checkpoint=str(store.root))
    assert find("owner/name", store, {}, False).spec == Transformers(checkpoint="owner/name")
    assert isinstance(find("some.gguf", store, {}, False).spec, LlamaCpp)
    assert isinstance(find("smollm2-135m-instruct", store, {}, False).spec, LlamaCpp)


def test_a_model_of_the_store_is_named_by_stage_and_fingerprint(store: Store) -> None:
    artifact = merged(store)
    name = f"sft-{artifact.manifest.fingerprint[:12]}"
    assert find("sft", store, {}, False).name == name
    assert find(str(artifact.folder / "model"), store, {}, False).name == name
    assert find(str(store.root), store, {}, False).name == store.root.name


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("sfd", "did you mean 'sft'"), ("teachr", "did you mean 'teacher'"), ("x", "owner/name")],
)
def test_an_unknown_name_says_what_is_known(store: Store, name: str, complaint: str) -> None:
    merged(store)
    with pytest.raises(ConfigError, match=complaint):
        find(name, store, {"teacher": SCRIPTED}, False)


def test_only_what_holds_a_model_is_proposed(store: Store) -> None:
    merged(store)
    merged(store, "dpo", makes="adapter")
    with pytest.raises(ConfigError, match=r"\(known: sft, smollm2-135m-instruct\)"):
        find("x", store, {}, False)


def test_a_file_that_is_no_model_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Read me.", encoding="utf-8")
    with pytest.raises(ConfigError, match="no model of this name"):
        find(str(tmp_path / "README.md"), store, {}, False)


def test_a_stage_that_holds_no_model_is_refused(store: Store) -> None:
    merged(store, "dpo", makes="adapter")
    with pytest.raises(ConfigError, match="'dpo' holds adapter; name a merge stage"):
        find("dpo", store, {}, False)


@pytest.mark.parametrize("by_folder", [False, True])
def test_a_template_the_model_was_not_trained_with_is_refused_unless_forced(
    store: Store, by_folder: bool
) -> None:
    folder = merged(store).folder / "model"
    name = str(folder) if by_folder else "sft"
    (folder / "chat_template.jinja").write_text("another", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"chat_template\.jinja: is not as it was .* --force"):
        find(name, store, {}, False)
    assert find(name, store, {}, True).spec == Transformers(checkpoint=str(folder))
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="is not as it was"):
        find(name, store, {}, False)


def test_a_conversation_goes_on_and_is_saved_as_a_row_to_learn_from(tmp_path: Path) -> None:
    chat = Chat(Sampling(temperature=0), "Be brief.")
    chat.add("Hello", "Hi.", "stop")
    request = chat.request("And you?")
    roles = [message.role for message in request.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert (request.sampling.temperature, request.seed) == (0, 2)
    path = tmp_path / "chat.jsonl"
    for _ in range(2):
        chat.save(path, "m")
    rows = list(JsonlSource.model_validate({"path": str(path), "rows": "examples"}).rows())
    assert len(rows) == len(list(jsonl.read_objects(path))) == 2
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["model"] == "m"


def test_half_a_letter_in_an_answer_is_kept_as_a_question_mark(tmp_path: Path) -> None:
    chat = Chat(Sampling())
    chat.add("Hello", "Hi \ud83d.", "stop")
    chat.save(tmp_path / "chat.jsonl", "m")
    [(_, row)] = jsonl.read_objects(tmp_path / "chat.jsonl")
    assert row["messages"][1]["content"] == "Hi ?."


@pytest.mark.parametrize("end", ["length", "max_tokens", "interrupted"])
def test_a_conversation_with_an_answer_that_is_not_whole_is_never_learned(
    tmp_path: Path, end: str
) -> None:
    chat = Chat(Sampling())
    chat.add("Tell all", "It was", end)
    chat.add("And then?", "No more.", "stop")
    chat.save(tmp_path / "chat.jsonl", "m")
    source = {"path": str(tmp_path / "chat.jsonl"), "rows": "examples"}
    [found] = JsonlSource.model_validate(source).rows()
    assert isinstance(found, tuple)
    assert (found[0], found[1]["finish_reason"]) == ("cut off", end)
    chat.begin("")
    chat.add("Hello", "Hi.", "stop")
    assert chat.finish_reason == "stop"
