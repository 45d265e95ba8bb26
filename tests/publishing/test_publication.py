"""An artifact leaves with its card, and does not leave for any of the reasons against it."""

import json
import sys
from pathlib import Path

import pytest

from openbezoar import runner, shelf
from openbezoar.errors import ConfigError, DataError, MissingExtra, PublishError, StoreError
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.destination import destination
from openbezoar.publishing.layout import ADAPTER, made_files
from openbezoar.publishing.publication import Publication, Wishes, kind_of, prepared
from openbezoar.recipe import parse
from openbezoar.store import Artifact, Store
from tests.publishing.conftest import SECRETS, shelve

CLAIM = Claim("shelf", "data", replace=False)
WORDS = ("jane.roe@mailhouse.org", SECRETS["key"].split()[1])


def published(store: Store, stage: str, **wishes: str) -> tuple[Publication, dict[str, bytes]]:
    """The publication of a stage, and the content of its files."""
    with prepared(store, shelf.latest(store, stage), Wishes(**wishes)) as found:  # type: ignore[arg-type]
        return found, {file.name: file.path.read_bytes() for file in found.files}


def _all_of(store: Store, artifact: Artifact) -> Publication:
    with prepared(store, artifact, Wishes()) as found:
        return found


def left(store: Store) -> list[str]:
    return [path.name for path in store.root.glob("publishing/*")]


def test_a_data_set_leaves_with_its_card_and_its_splits(store: Store) -> None:
    found, files = published(store, "data")
    found.check()
    card = files["README.md"].decode()
    assert card.startswith("---\n")
    assert "Nothing was found." in card
    assert "hold `id`, `instruction`, `response`, `original_index`, " in card
    assert [*files] == [
        "README.md",
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
    ]
    assert left(store) == []


@pytest.mark.parametrize("stage", ["tasks", "orca", "kept", "pairs"])
def test_rows_of_every_kind_leave_as_one_split(store: Store, stage: str) -> None:
    found, files = published(store, stage)
    found.check()
    assert [*files] == ["README.md", "data/train-00000-of-00001.parquet"]


def test_a_model_leaves_as_it_is(store: Store) -> None:
    found, files = published(store, "model")
    found.check()
    assert files["model-00001-of-00002.safetensors"] == b"the first weights"
    assert {"config.json", "generation_config.json", "chat_template.jinja"} <= files.keys()


def test_an_adapter_names_its_base(store: Store) -> None:
    _, files = published(store, "adapter")
    config = json.loads(files["adapter_config.json"])
    assert config["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    _, files = published(store, "adapter", base="me/base@v2")
    config = json.loads(files["adapter_config.json"])
    assert (config["base_model_name_or_path"], config["revision"]) == ("me/base", "v2")


def test_an_adapter_whose_base_has_no_name_on_the_hub_is_refused(store: Store) -> None:
    science = {
        "stage": "mine",
        "settings": {"kind": "train", "start": "student", "data": "data"},
        "models": {"student": [{"kind": "transformers", "checkpoint": "/home/me/base"}, {"a": 1}]},
    }
    held = made_files(shelf.latest(store, "adapter"), ADAPTER)
    files = {f"adapter/{file.name}": file.path.read_text() for file in held}
    shelve(store, science, "adapter", files, shelf.latest(store, "data"))
    with pytest.raises(PublishError, match="have no name on the hub; publish them first, and name"):
        published(store, "mine")
    for base in ("../base", "/home/me/base", "base", "me/base@", "https://hub/me/base"):
        with pytest.raises(PublishError, match="is no name on the hub; write OWNER/NAME"):
            published(store, "mine", base=base)


def test_an_unknown_licence_is_refused_unless_accepted_and_then_in_the_card(store: Store) -> None:
    found, _ = published(store, "strangers")
    with pytest.raises(PublishError, match="strangers is not published: its licence is in doubt"):
        found.check()
    found, files = published(store, "strangers", accept_licence="they asked us to")
    found.check()
    assert "they asked us to" in files["README.md"].decode()


@pytest.mark.parametrize(
    ("licences", "told"),
    [
        ("[for friends only]", r"bears 'for friends only': no licence of this name is known"),
        ("[CC-BY-NC-ND-4.0]", r"CC-BY-NC-ND-4\.0 does not let changed copies be passed on"),
        ("[CC-BY-SA-3.0, CC-BY-NC-4.0]", r"lets everybody earn with copies, CC-BY-NC-4\.0 nobody"),
        ("[CC-BY-SA-4.0, ODbL-1.0]", r"both want copies to stay under their own terms"),
        ("[]", r"1 row bears no licence; state it with `licences` of their source"),
    ],
)
def test_rows_whose_licences_are_in_doubt_are_refused_with_the_reason(
    tmp_path: Path, licences: str, told: str
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"instruction": "Who?"}\n')
    source = f"source: {{kind: jsonl, path: rows.jsonl, licences: {licences}}}"
    recipe = parse(f"name: x\nstages: {{rows: {{kind: source, {source}}}}}", tmp_path / "x.yaml")
    store = Store(tmp_path / "store")
    runner.run(recipe, store, lambda stage, text: None)
    found, _ = published(store, "rows")
    with pytest.raises(PublishError, match=told):
        found.check()


@pytest.mark.parametrize("stage", ["tasks", "orca", "kept", "data", "adapter", "model"])
def test_nothing_leaves_whose_licences_cannot_be_told_any_more(store: Store, stage: str) -> None:
    artifact, seeds = shelf.latest(store, stage), shelf.latest(store, "tasks").folder
    manifest = json.loads((seeds / "manifest.json").read_text()) | {"format": 99}
    (seeds / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises((PublishError, DataError, StoreError), match=r"tasks|newer version"):
        _all_of(store, artifact).check()


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"kind": "openai", "model": "gpt-4o"}, "OpenAI's terms do not let answers be used"),
        ({"kind": "openai", "model": "olmo"}, "terms of an address that was not kept, which"),
        ({"kind": "transformers", "checkpoint": "our/own"}, "nobody states its licence"),
    ],
)
def test_answers_under_a_sellers_or_nobodys_terms_are_refused(
    store: Store, model: dict[str, str], told: str
) -> None:
    orca, tasks = shelf.latest(store, "orca"), shelf.latest(store, "tasks")
    science = orca.manifest.science | {"stage": "sold", "models": {"teacher": [model, None]}}  # type: ignore[operator]
    rows = (orca.folder / "rows.jsonl").read_text()
    shelve(store, science, "examples", {"rows.jsonl": rows}, tasks)
    found, _ = published(store, "sold")
    with pytest.raises(PublishError, match=f"teacher teacher .*{told}"):
        found.check()


def test_an_artifact_without_rows_is_refused(store: Store) -> None:
    science = {
        "stage": "none",
        "settings": {"kind": "source", "source": {"kind": "sample"}},
        "models": {},
    }
    shelve(store, science, "seeds", {"rows.jsonl": ""})
    with pytest.raises(PublishError, match="holds no rows, so there is nothing to publish"):
        published(store, "none")


def test_rows_cannot_leave_where_parquet_cannot_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'openbezoar\[publish\]'"):
        published(store, "data")


def test_secrets_and_persons_are_refused_with_their_places_and_not_shown(store: Store) -> None:
    found, _ = published(store, "secrets")
    with pytest.raises(PublishError, match="looks secret or personal") as caught:
        found.check()
    told = str(caught.value)
    assert "1 x e-mail address (train row mail, " in told
    assert "1 x API key (train row key, " in told
    assert not any(word in told for word in WORDS)


def test_the_card_is_looked_over_too(store: Store) -> None:
    found, _ = published(store, "strangers", accept_licence=f"{WORDS[0]} agreed")
    with pytest.raises(PublishError, match=r"1 x e-mail address \(README\.md: ja… "):
        found.check()


def test_accepted_findings_are_counted_in_the_card(store: Store) -> None:
    found, files = published(store, "secrets", accept_findings="made up <b>by us</b>\n# all")
    found.check()
    card = files["README.md"].decode()
    assert "- 1 x API key\n" in card
    assert "because: made up &lt;b&gt;by us&lt;/b&gt; \\# all\n" in card
    assert not any(word in card for word in WORDS)


def test_text_beside_weights_is_looked_over_and_a_vocabulary_is_not(store: Store) -> None:
    files = {
        f"model/{name}": path.read_text()
        for path in (shelf.latest(store, "model").folder / "model").iterdir()
        for name in [path.name]
    }
    files["model/tokenizer_config.json"] = '{"name": "/srv/jane.roe@mailhouse.org"}'
    science = {"stage": "leaky", "settings": {"kind": "merge", "adapter": "adapter"}, "models": {}}
    shelve(store, science, "model", files, shelf.latest(store, "adapter"))
    found, _ = published(store, "leaky")
    assert found.findings.counts == {"e-mail address": 1}
    assert "tokenizer_config.json" in found.findings.told()


def test_rows_that_were_changed_afterwards_do_not_leave(store: Store) -> None:
    rows = shelf.latest(store, "kept").folder / "rows.jsonl"
    rows.write_text(rows.read_text().replace("Light", "Heavy"))
    with pytest.raises(PublishError, match=r"rows.jsonl: is not as it was made"):
        published(store, "kept")
    assert left(store) == []


@pytest.mark.parametrize(
    ("stage", "wishes", "told"),
    [
        ("data", {"gguf": "bf16"}, "--gguf: data holds examples data set"),
        ("model", {"base": "me/base"}, "--base: model holds model, and no adapter"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(
    store: Store, stage: str, wishes: dict[str, str], told: str
) -> None:
    with pytest.raises(PublishError, match=told):
        published(store, stage, **wishes)


def test_a_gguf_file_is_made_only_when_all_else_may_leave(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match="--gguf needs"):
        published(store, "model", gguf="bf16")
    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text('#!/bin/sh\necho "$1" > "$3"\n')
    script.chmod(0o755)
    with prepared(store, shelf.latest(store, "model"), Wishes(gguf="bf16")) as found:
        assert not any(file.name.endswith(".gguf") for file in found.files)
        made = found.with_gguf("bf16").files[-1]
        assert made.name == "model-bf16.gguf"
        assert made.path.read_text() == f"{found.artifact.folder / 'model'}\n"


def test_scores_are_no_publication_of_their_own(store: Store) -> None:
    science = {"stage": "eval", "settings": {"kind": "evaluate"}, "models": {}}
    with pytest.raises(PublishError, match="holds scores, which stand in the card"):
        kind_of(shelve(store, science, "scores", {"scores.json": "[]"}))


@pytest.mark.parametrize("to", ["", "https://huggingface.co/me/set", "s3://bucket/set"])
def test_an_address_is_no_folder(to: str) -> None:
    with pytest.raises(ConfigError, match="is no folder; a repository is written hf:OWNER/NAME"):
        destination(to, "dataset", False, CLAIM)


def test_a_stage_is_published_again_without_a_word_and_another_one_is_refused(
    store: Store, tmp_path: Path
) -> None:
    def publish(stage: str) -> None:
        artifact = shelf.latest(store, stage)
        place = destination(
            str(tmp_path / "out"), "dataset", False, Claim.of(artifact, replace=False)
        )
        with prepared(store, artifact, Wishes()) as found:
            place.send(found.files, found.message)

    publish("data")
    publish("data")
    with pytest.raises(PublishError, match="of stage data of recipe shelf, and not of pairs of"):
        publish("pairs")


def test_a_folder_cannot_be_public() -> None:
    with pytest.raises(ValueError, match="--public: out is a folder; a repository is written hf:"):
        destination("out", "model", True, CLAIM)


@pytest.mark.slow
def test_what_was_published_is_what_load_dataset_gives(store: Store, tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = tmp_path / "set"
    with prepared(store, shelf.latest(store, "data"), Wishes()) as found:
        destination(str(folder), "dataset", False, CLAIM).send(found.files, found.message)
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    artifact = shelf.latest(store, "data")
    for split, name in (("train", "train.jsonl"), ("validation", "valid.jsonl")):
        kept = [json.loads(line) for line in (artifact.folder / name).read_text().splitlines()]
        assert [row["id"] for row in loaded[split]] == [row["id"] for row in kept]
        assert [row["messages"] for row in loaded[split]] == [row["messages"] for row in kept]
        assert {row["judge_status"] for row in loaded[split]} == {"Accept"}
