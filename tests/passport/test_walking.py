"""A row's passport walks back to its seeds with every prompt, and onward to where it was used."""

import shutil
from pathlib import Path

import pytest

from openbezoar import jsonl, runner
from openbezoar.errors import DataError
from openbezoar.passport.text import readable
from openbezoar.passport.walking import Passport, passport
from openbezoar.recipe import load
from openbezoar.records import Seed
from openbezoar.store import Manifest, Store

LISTED = "".join(
    f"<example>{text}</example>"
    for text in (
        "Compare two ways to store apples over winter.",
        "Compare ways to store apples over winter.",
        "Rome is old.",
    )
)
TEXT = f"""\
name: small
models:
  teacher:
    kind: scripted
    lines:
      - {{match: "<example>", reply: "{LISTED}"}}
      - {{match: "Compare two", reply: "In sand \\e[31mor \\u202e in straw."}}
      - {{match: "Compare", reply: "In sand."}}
stages:
  seeds: {{kind: source, source: {{kind: sample, rows: instructions}}}}
  lists:
    kind: generate
    seeds: seeds
    teacher: teacher
    scheme: {{kind: lamini, requests: 1, guided: examples}}
  unique: {{kind: filter, rows: lists, filters: [{{kind: length, answer: {{least_words: 1}}}}]}}
  rows: {{kind: generate, seeds: unique, teacher: teacher, scheme: {{kind: respond, system: ""}}}}
  kept: {{kind: filter, rows: rows, filters: [{{kind: length, answer: {{least_words: 3}}}}]}}
  data: {{kind: mix, rows: [kept], validation: 0}}
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("passports")
    recipe = folder / "recipe.yaml"
    recipe.write_text(TEXT, encoding="utf-8")
    store = Store(folder / "store")
    runner.run(load(recipe, ()), store, lambda stage, told: None)
    return store


@pytest.fixture(scope="module")
def listed(store: Store) -> str:
    """The id of the request for a list."""
    (artifact,) = [one for one in store.artifacts() if one.manifest.stage == "lists"]
    line = (artifact.folder / "rows.jsonl").read_text(encoding="utf-8")
    return line.split('"')[3].removesuffix(".1")


def told(found: Passport) -> list[tuple[str, str]]:
    return [(held.stage, held.what) for held in found.held]


def test_a_row_is_walked_back_to_its_source(store: Store, listed: str) -> None:
    found = passport(store, f"respond-{listed}.1")
    (seed,) = found.parents
    assert (found.made.stage, seed.id, seed.made.stage) == ("rows", f"{listed}.1", "lists")
    assert [demonstration.made.kind for demonstration in seed.parents] == ["source"] * 3
    assert [demonstration.id for demonstration in seed.parents] == seed.row["parents"]
    assert not found.missing


def test_every_prompt_and_answer_of_a_row_is_there(store: Store, listed: str) -> None:
    found = passport(store, f"respond-{listed}.2")
    (exchange,) = found.made.exchanges or ()
    assert (
        exchange.request["messages"][-1]["content"] == "Compare ways to store apples over winter."
    )
    assert exchange.request["attempt"] == 0
    assert exchange.answer is not None
    assert exchange.answer["text"] == "In sand."
    (above,) = found.parents[0].made.exchanges or ()
    assert above.answer is not None
    assert above.answer["text"] == LISTED


def test_a_row_s_later_use_is_told_with_the_reason(store: Store, listed: str) -> None:
    kept = passport(store, f"respond-{listed}.1")
    assert told(kept) == [("kept", "kept"), ("data", "among the rows to train on")]
    dropped = passport(store, f"respond-{listed}.2")
    assert told(dropped) == [("kept", "rejected")]
    assert dropped.held[0].reason == "length: answer below 3 words"


def test_a_seed_names_the_rows_made_from_it(store: Store, listed: str) -> None:
    found = passport(store, f"{listed}.1")
    assert told(found) == [("unique", "kept"), ("rows", "rows made from it: 1")]
    assert found.held[1].rows == (f"respond-{listed}.1",)


def test_what_could_not_be_made_has_a_passport_too(store: Store, listed: str) -> None:
    found = passport(store, f"{listed}.3")
    assert found.row["reason"] == "not an instruction"
    assert not found.held
    assert found.made.exchanges


def test_teacher_and_settings_are_those_of_the_manifest(store: Store, listed: str) -> None:
    made = passport(store, f"respond-{listed}.1").made
    assert isinstance(made.teacher, dict)
    assert made.teacher["kind"] == "scripted"
    assert isinstance(made.settings, dict)
    assert made.settings["seeds"] == "unique"


def test_text_of_a_passport_cannot_touch_the_terminal(store: Store, listed: str) -> None:
    text = readable(passport(store, f"respond-{listed}.1"))
    assert "In sand \\x1b[31mor \\u202e in straw." in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_a_passport_reads_from_the_row_back_to_its_seeds(store: Store, listed: str) -> None:
    lines = readable(passport(store, f"respond-{listed}.2")).splitlines()
    heads = [line.strip().split(" (")[0] for line in lines if "made by" in line or "from " in line]
    assert lines[0] == f"# respond-{listed}.2"
    assert heads[:3] == ["made by rows", f"from {listed}.2:", "made by lists"]
    kept = [line for line in lines if line.startswith("kept (filter, ")]
    assert "answer below 3 words" in " ".join(kept)


def test_an_unknown_row_gets_the_nearest(store: Store, listed: str) -> None:
    with pytest.raises(
        DataError, match=f"made a row 'respond-{listed}.4'; did you mean .*{listed}.2"
    ):
        passport(store, f"respond-{listed}.4")


def test_an_id_that_stands_inside_a_text_is_no_row(store: Store) -> None:
    with pytest.raises(DataError, match="no stage made a row 'Compare'"):
        passport(store, "Compare")


def test_a_parent_that_is_gone_is_named(store: Store, listed: str, tmp_path: Path) -> None:
    shutil.copytree(store.root, tmp_path / "copy")
    (seeds,) = (tmp_path / "copy").glob("seeds-*")
    shutil.rmtree(seeds)
    found = passport(Store(tmp_path / "copy"), f"{listed}.1")
    assert not found.parents
    assert list(found.missing) == found.row["parents"]
    assert f"from {found.missing[0]}, which is not in this store" in readable(found)


def test_a_store_of_an_older_version_has_no_record_of_what_was_asked(
    store: Store, listed: str, tmp_path: Path
) -> None:
    shutil.copytree(store.root, tmp_path / "copy")
    for path in (tmp_path / "copy").glob("*/asked.jsonl"):
        path.unlink()
    found = passport(Store(tmp_path / "copy"), f"{listed}.1")
    assert found.made.exchanges is None
    assert "no record of what was asked" in readable(found)


def test_a_passport_tells_how_the_row_was_made(store: Store, listed: str) -> None:
    text = readable(passport(store, f"respond-{listed}.1"))
    assert '"scheme":"respond","teacher":"scripted","prompt_fingerprint":"' in text
    assert '"attempt":0,"finish_reason":"stop"' in text
    assert "request 1, attempt 0: " in text


@pytest.mark.parametrize("name", ['a"b', 'x","parents":[', "ü\u2028\u202e", "\x00\x1b", "</s> \\"])
def test_a_hostile_id_finds_its_own_row_and_no_other(name: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = store.begin("seeds", "0" * 64)
    others = [Seed(id=f"{name}{n}", instruction=name, details={"id": name}) for n in range(3)]
    jsonl.write(folder / "rows.jsonl", [*others, Seed(id=name, instruction="Why?"), *others])
    manifest = Manifest(
        stage="seeds", kind="source", makes="seeds", fingerprint="0" * 64,
        science={"settings": {}}, inputs={}, numbers={}, files={}, run={},
    )  # fmt: skip
    store.commit(folder, manifest)
    assert passport(store, name).row["instruction"] == "Why?"


def test_an_id_that_is_no_text_is_nowhere(store: Store) -> None:
    with pytest.raises(DataError, match="no stage made a row"):
        passport(store, "\udcff")


NAMESAKES = """\
name: small
stages:
  one: {kind: source, source: {kind: jsonl, path: one.jsonl, rows: examples}}
  two: {kind: source, source: {kind: jsonl, path: two.jsonl, rows: examples}}
  kept: {kind: filter, rows: two, filters: [{kind: length}]}
  data: {kind: mix, rows: [one, kept], validation: 0}
"""


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two stages have a different row 1 and the same row 2."""
    folder = tmp_path_factory.mktemp("twins")
    for name in ("one", "two"):
        rows = [(1, name), (2, "both")]
        lines = (f'{{"id": {n}, "instruction": "Who?", "answer": "{said}"}}' for n, said in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(NAMESAKES, encoding="utf-8")
    store = Store(folder / "store")
    runner.run(load(folder / "recipe.yaml", ()), store, lambda stage, told: None)
    return store


def test_a_row_whose_id_another_row_has_names_that_one(twins: Store) -> None:
    found = passport(twins, "1")
    (other,) = found.namesakes
    assert {found.made.stage, other} in ({"one", "two/1"}, {"two", "one/1"})
    assert f"another row has this id: bezoar why {other}" in readable(found)
    assert passport(twins, other).made.stage == other.removesuffix("/1")
    assert passport(twins, "2").namesakes == (), "one row in two files"


@pytest.mark.parametrize(("name", "maker"), [("one/1", "one"), ("kept/1", "two"), ("two/1", "two")])
def test_a_stage_and_an_id_name_the_row_that_the_stage_made_or_read(
    twins: Store, name: str, maker: str
) -> None:
    found = passport(twins, name)
    assert (found.made.stage, found.row["messages"][-1]["content"]) == (maker, maker)
    assert told(found)[-1] == ("data", "among the rows to train on")


def test_a_row_is_not_taken_for_its_namesake_in_a_data_set(twins: Store, tmp_path: Path) -> None:
    shutil.copytree(twins.root, tmp_path / "copy")
    (train,) = (tmp_path / "copy").glob("data-*/train.jsonl")
    lines = train.read_text(encoding="utf-8").splitlines()
    train.write_text("\n".join(one for one in lines if '"one/1"' not in one), encoding="utf-8")
    store = Store(tmp_path / "copy")
    assert told(passport(store, "one/1")) == [("data", "left out by its limit")]
    assert told(passport(store, "kept/1"))[-1] == ("data", "among the rows to train on")


def test_a_stage_that_has_no_such_row_is_no_way_to_it(twins: Store) -> None:
    with pytest.raises(DataError, match="no stage made a row 'one/3'"):
        passport(twins, "one/3")
