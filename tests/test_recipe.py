"""A recipe is checked as a whole before anything runs; every complaint has its line and its fix."""

from pathlib import Path

import pytest
import yaml

from openbezoar.errors import ConfigError
from openbezoar.objectives.dpo import DirectPreferenceOptimization
from openbezoar.recipe import Recipe, load, schema, text_of
from openbezoar.stages.generate import GenerateStage
from openbezoar.stages.merge import MergeStage
from openbezoar.stages.train import TrainStage
from openbezoar.training.adapters import Lora

TEXT = """\
name: small
seed: 1
models:
  teacher: {kind: scripted, lines: [{reply: "Yes."}]}
  student: {kind: transformers, checkpoint: somewhere}
stages:
  seeds:
    kind: source
    source: {kind: sample, rows: instructions}
  rows:
    kind: generate
    seeds: seeds
    teacher: teacher
    scheme: {kind: respond}
    limit: 4
  kept:
    kind: filter
    rows: rows
    filters:
      - {kind: length, answer: {least_words: 1}}
      - {kind: refusals}
  data: {kind: mix, rows: [kept]}
  pairs:
    kind: source
    source: {kind: sample, rows: preferences}
  pairs_data: {kind: mix, rows: [pairs]}
  sft:
    kind: train
    start: student
    data: data
    objective: {kind: sft}
    optimisation: &course {epochs: 2}
  sft_model: {kind: merge, adapter: sft}
  dpo:
    kind: train
    start: sft_model
    data: pairs_data
    objective:
      kind: dpo
      beta: 0.1
    optimisation: *course
"""


def load_text(folder: Path, text: str, *overrides: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, overrides)


def train_stage(recipe: Recipe, name: str) -> TrainStage:
    stage = recipe.stages[name]
    assert isinstance(stage, TrainStage)
    return stage


def test_a_recipe_holds_its_parts(tmp_path: Path) -> None:
    recipe = load_text(tmp_path, TEXT)
    rows = recipe.stages["rows"]
    assert isinstance(rows, GenerateStage)
    assert rows.scheme.makes == "examples"
    assert recipe.kinds()["dpo"] == "adapter"
    assert recipe.kinds()["pairs_data"] == "preferences data set"


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


MISTAKES: dict[str, tuple[str, str, int | None, str]] = {
    "misspelt key": (
        "    limit: 4",
        "    limitt: 4",
        15,
        "limitt: unknown key (did you mean 'limit'?)",
    ),
    "misspelt key at the top": (
        "seed: 1",
        "sede: 1",
        2,
        "sede: unknown key (did you mean 'seed'?)",
    ),
    "misspelt key in a part": (
        "      beta: 0.1",
        "      betta: 0.1",
        40,
        "objective.betta: unknown key (did you mean 'beta'?)",
    ),
    "misspelt key in a list": (
        "answer: {least_words",
        "anwser: {least_words",
        20,
        "filters.0.anwser: unknown key (did you mean 'answer'?)",
    ),
    "misspelt kind": (
        "{kind: respond}",
        "{kind: repsond}",
        14,
        "scheme.kind: unknown kind 'repsond' (did you mean 'respond'?)",
    ),
    "misspelt kind of stage": (
        "kind: generate",
        "kind: genrate",
        11,
        "rows.kind: unknown kind 'genrate' (did you mean 'generate'?)",
    ),
    "misspelt kind in a list": (
        "{kind: refusals}",
        "{kind: refusal}",
        21,
        "filters.1.kind: unknown kind 'refusal' (did you mean 'refusals'?)",
    ),
    "no kind": ("    objective: {kind: sft}", "    objective: {}", 31, "objective: has no `kind`"),
    "misspelt key that is needed": (
        "    filters:\n",
        "    filtres:\n",
        19,
        "stages.kept.filtres: unknown key (did you mean 'filters'?)",
    ),
    "a date that is none": (
        "seed: 1",
        "seed: 2026-13-45",
        None,
        "not YAML (month must be in 1..12)",
    ),
    "a judge of pairs": (
        "  pairs_data: {kind: mix, rows: [pairs]}",
        "  pairs_kept:\n    kind: filter\n    rows: pairs\n    filters:\n"
        "      - {kind: judged, judge: {kind: likelihood, model: student}}\n"
        "  pairs_data: {kind: mix, rows: [pairs]}",
        26,
        "a judge grades examples, and 'pairs' holds preferences",
    ),
    "pairs measured on examples": (
        "  sft_model: {kind: merge, adapter: sft}",
        "  scores: {kind: evaluate, model: student, "
        "evaluations: [{kind: preferences, data: data}]}\n"
        "  sft_model: {kind: merge, adapter: sft}",
        33,
        "reads 'data', which holds examples data set; it needs preferences",
    ),
    "perplexity of a model's file": (
        "  pairs_data: {kind: mix, rows: [pairs]}",
        "  scores: {kind: evaluate, model: student, "
        "evaluations: [{kind: perplexity, data: student}]}\n"
        "  pairs_data: {kind: mix, rows: [pairs]}",
        26,
        "reads 'student', which holds checkpoint; it needs examples",
    ),
    "missing field": ("    seeds: seeds\n", "", 10, "stages.rows.seeds: is missing"),
    "wrong type": (
        "limit: 4",
        "limit: many",
        15,
        "stages.rows.limit: needs a whole number; 'many' is none",
    ),
    "out of range": ("beta: 0.1", "beta: 0", 40, "stages.dpo.objective.beta: needs more than 0"),
    "a text for a list": (
        "rows: [kept]",
        "rows: kept",
        22,
        "stages.data.rows: needs a list, such as [a, b]; 'kept' is none",
    ),
    "an empty list": ("rows: [kept]", "rows: []", 22, "stages.data.rows: needs at least 1 in it"),
    "nothing for a mapping": (
        "    source: {kind: sample, rows: instructions}",
        "    source:",
        9,
        "stages.seeds.source: needs a mapping, such as {key: value}; nothing is given",
    ),
    "misspelt choice": (
        "rows: instructions",
        "rows: instruction",
        9,
        "stages.seeds.source.rows: unknown 'instruction' (did you mean 'instructions'?)",
    ),
    "an anchor set twice": (
        "pairs_data: {kind: mix,",
        "pairs_data: &course {kind: mix,",
        32,
        "anchor 'course' is set twice, first in line 26; a file holds one recipe",
    ),
    "two documents": (
        "  sft_model: {kind",
        "---\n  sft_model: {kind",
        33,
        "a second document begins here; a file holds one recipe",
    ),
    "a stage that reads itself": (
        "rows: [kept]",
        "rows: [data]",
        22,
        "reads 'data', which does not stand above it",
    ),
    "reads what is never made": (
        "rows: [kept]",
        "rows: [kpet]",
        22,
        "reads 'kpet', which no stage above it makes (did you mean 'kept'?)",
    ),
    "reads what comes later": (
        "    seeds: seeds",
        "    seeds: pairs",
        10,
        "reads 'pairs', which does not stand above it; move the stage",
    ),
    "unknown model": (
        "teacher: teacher",
        "teacher: techer",
        10,
        "uses model 'techer', which is not under `models` (did you mean 'teacher'?)",
    ),
    "preferences where seeds go": (
        "seeds: seeds\n",
        "seeds: student\n",
        10,
        "reads 'student', which holds checkpoint; it needs seeds",
    ),
    "dpo on examples": (
        "    data: pairs_data",
        "    data: data",
        34,
        "reads 'data', which holds examples data set; it needs preferences data set",
    ),
    "dpo from an adapter": (
        "    start: sft_model",
        "    start: sft",
        34,
        "so write carry: merge, or start from a merge stage",
    ),
    "training a server": (
        "    start: student",
        "    start: teacher",
        27,
        "model 'teacher' has no weights here to start from",
    ),
    "merging a model": (
        "adapter: sft}",
        "adapter: student}",
        33,
        "reads 'student', which holds checkpoint; it needs adapter",
    ),
    "bad stage name": ("  pairs_data: {", "  Pairs data: {", 26, "lower-case letters"),
    "stage named like a model": (
        "  pairs_data: {",
        "  teacher: {",
        26,
        "a model has this name already",
    ),
    "duplicate key": ("    limit: 4", "    limit: 4\n    limit: 5", 16, "'limit' is given twice"),
    "duplicate stage": ("  pairs:\n", "  kept:\n", 23, "'kept' is given twice"),
    "not a mapping": (TEXT, "- a\n- b\n", None, "a recipe is a mapping"),
    "empty": (TEXT, "", None, "a recipe is a mapping"),
    "not YAML": ("seed: 1", "seed: [1", 3, ""),
    "no stages": (TEXT, "name: a\nstages: {}\n", 2, "stages: "),
    "stages null": (TEXT, "name: a\nstages:\n", 2, "stages: "),
    "a key that is no text": ("seed: 1", "seed: 1\n3: x", None, ""),
    "a key that is a list": ("seed: 1", "seed: 1\n[a]: x", None, ""),
}


@pytest.mark.parametrize(("old", "new", "line", "complaint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line_and_fix(
    tmp_path: Path, old: str, new: str, line: int | None, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, changed(old, new))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert line is None or f"recipe.yaml:{line}: " in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: no such recipe"):
        load(tmp_path / "absent.yaml")


def test_an_override_changes_one_setting(tmp_path: Path) -> None:
    recipe = load_text(
        tmp_path,
        TEXT,
        "stages.dpo.objective.beta=0.5",
        "seed=7",
        "name=other",
        "stages.kept.filters.0.answer.least_words=3",
        "stages.dpo.precision=float32",
    )
    objective = train_stage(recipe, "dpo").objective
    assert isinstance(objective, DirectPreferenceOptimization)
    assert (objective.beta, recipe.seed, recipe.name) == (0.5, 7, "other")
    settings = recipe.stages["kept"].model_dump()
    assert settings["filters"][0]["answer"]["least_words"] == 3


def test_an_override_may_give_a_block_that_the_recipe_leaves_out(tmp_path: Path) -> None:
    recipe = load_text(tmp_path, TEXT, "stages.sft.lora.r=4", "stages.sft.runtime={device: cpu}")
    assert train_stage(recipe, "sft").lora == Lora(r=4)
    assert train_stage(recipe, "sft").runtime.device == "cpu"


def test_an_override_leaves_alone_what_shares_an_anchor(tmp_path: Path) -> None:
    recipe = load_text(tmp_path, TEXT, "stages.dpo.optimisation.epochs=5")
    assert train_stage(recipe, "dpo").optimisation.epochs == 5
    assert train_stage(recipe, "sft").optimisation.epochs == 2


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("seed", "write path.to.key=value"),
        ("sed=1", "unknown key (did you mean 'seed'?)"),
        ("stages.dop.precision=nf4", "no such key (did you mean 'dpo'?)"),
        ("stage.dpo.precision=nf4", "no such key (did you mean 'stages'?)"),
        ("stages.dpo.objective.betta=1", "unknown key (did you mean 'beta'?)"),
        ("stages.dpo.optimization.epochs=1", "unknown key (did you mean 'optimisation'?)"),
        ("stages.dpo.objective.beta=much", "beta: "),
        ("stages.dpo.objective.beta=[1", "the value is not YAML"),
        ("stages.dpo.objective.beta=2026-13-45", "the value is not YAML"),
        ("stages.dpo.objective.beta.x=1", "nothing below"),
        ("name.first=1", "nothing below"),
        ("name.first.letter=1", "nothing below"),
        ("stages.kept.filters.2.kind=x", "give a position from 0 to 1"),
        ("stages.kept.filters.first.kind=x", "give a position from 0 to 1"),
        ("stages.kept.filters.9=x", "give a position from 0 to 1"),
    ],
)
def test_an_override_that_fits_nowhere_is_refused(
    tmp_path: Path, override: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, TEXT, override)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(("value", "read"), [("3", 3), ("null", None), ("2.5", None), ("'4'", 4)])
def test_the_value_of_an_override_is_yaml(tmp_path: Path, value: str, read: int | None) -> None:
    override = f"stages.rows.limit={value}"
    if value == "2.5":
        with pytest.raises(ConfigError, match="limit"):
            load_text(tmp_path, TEXT, override)
    else:
        stage = load_text(tmp_path, TEXT, override).stages["rows"]
        assert isinstance(stage, GenerateStage)
        assert stage.limit == read


def test_merge_keys_may_override_what_they_bring(tmp_path: Path) -> None:
    text = TEXT + "  again: &again\n    <<: {kind: merge, adapter: sft}\n    adapter: dpo\n"
    text += "  more:\n    <<: *again\n    parity_rows: 1\n"
    recipe = load_text(tmp_path, text)
    more = recipe.stages["more"]
    assert isinstance(more, MergeStage)
    assert (more.adapter, more.parity_rows) == ("dpo", 1)


def test_an_alias_that_holds_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds itself"):
        load_text(tmp_path, "name: a\nstages: &all\n  one: *all\n")


def test_the_schema_names_every_setting_with_its_help() -> None:
    text = str(schema())
    assert "How strongly the model is held to the reference" in text
    assert "'evol_instruct'" in text


def test_nothing_is_added_to_the_recipe_that_is_shown_as_the_users(tmp_path: Path) -> None:
    recipe = load_text(tmp_path, TEXT)
    assert yaml.safe_load(text_of(recipe)) == yaml.safe_load(TEXT)
    chosen = load_text(tmp_path, TEXT, "stages.sft_model.used_in=nf4")
    assert yaml.safe_load(text_of(chosen))["stages"]["sft_model"]["used_in"] == "nf4"
    assert load_text(tmp_path, text_of(recipe)) == recipe
    assert yaml.safe_load(text_of(recipe.limited(None, 2)))["budget"] == {"hours": 2}
    budget = text_of(load_text(tmp_path, TEXT, "budget={tokens: 9}").limited(None, 2))
    assert yaml.safe_load(budget)["budget"] == {"tokens": 9, "hours": 2}


RECIPES = sorted((Path(__file__).parents[1] / "recipes").rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.stem))
def test_every_shipped_recipe_loads_and_round_trips(path: Path) -> None:
    recipe = load(path)
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    comments = path.read_text(encoding="utf-8").splitlines()[:3]
    assert all(line.startswith("# ") for line in comments), "what it makes, needs, how to run it"


def test_a_budget_of_money_needs_a_price_before_anything_runs(tmp_path: Path) -> None:
    text = TEXT.replace('{kind: scripted, lines: [{reply: "Yes."}]}', "{kind: openai, model: m}")
    with pytest.raises(ConfigError, match=r"yaml:10: stages\.rows: model 'm' has a budget in usd"):
        load_text(tmp_path, text, "budget={usd: 1}")
    recipe = load_text(tmp_path, text, "budget={usd: 1}", "prices={m: {input: 0, output: 0}}")
    assert recipe.budget is not None
    assert recipe.budget.usd == 1


STUDENT = "{kind: transformers, checkpoint: nowhere}"
SHAPED = {
    "lamini": "stages.more={kind: generate, seeds: seeds, teacher: teacher, "
    "scheme: {kind: lamini, form: schema}}",
    "mt_bench": "stages.scores={kind: evaluate, model: sft_model, evaluations: "
    "[{kind: mt_bench, judge: teacher, verdict: json}]}",
}


@pytest.mark.parametrize("part", SHAPED)
def test_a_model_that_keeps_to_no_schema_is_refused_where_one_is_asked_for(
    tmp_path: Path, part: str
) -> None:
    complaint = r"stages\.\w+: needs answers held to a JSON schema, which model 'nowhere' cannot"
    load_text(tmp_path, TEXT, SHAPED[part])
    with pytest.raises(ConfigError, match=complaint):
        load_text(tmp_path, TEXT, SHAPED[part], f"models.teacher={STUDENT}")


def test_without_a_schema_a_checkpoint_may_teach_and_judge(tmp_path: Path) -> None:
    marked = SHAPED["lamini"].replace("schema", "markers")
    bracketed = SHAPED["mt_bench"].replace("json", "brackets")
    load_text(tmp_path, TEXT, f"models.teacher={STUDENT}", marked, bracketed)


def test_seeds_are_counted_by_the_teacher_or_the_recipe_is_refused(tmp_path: Path) -> None:
    evol = "stages.rows.scheme={kind: evol_instruct}"
    server = "models.teacher={kind: openai, model: m}"
    load_text(tmp_path, TEXT, evol)
    with pytest.raises(ConfigError, match=r"stages\.rows: counts seeds in tokens of model 'm'"):
        load_text(tmp_path, TEXT, evol, server)
    load_text(tmp_path, TEXT, evol, server, "models.teacher.tokenizer=server")
    load_text(tmp_path, TEXT, evol, server, "stages.rows.scheme.seed_tokens=bytes")


def test_a_recipe_says_which_key_goes_where(tmp_path: Path) -> None:
    text = changed(
        'teacher: {kind: scripted, lines: [{reply: "Yes."}]}',
        "teacher: {kind: openai, model: m, runtime: {api_key_env: MINE, base_url: http://far/v1}}\n"
        "  idle: {kind: anthropic, model: n}",
    )
    assert load_text(tmp_path, text).keys_sent() == {"teacher": ("MINE", "http://far/v1")}
    assert load_text(tmp_path, TEXT).keys_sent() == {}


def test_limits_of_the_command_line_win_over_the_recipes(tmp_path: Path) -> None:
    recipe = load_text(tmp_path, TEXT, "budget={hours: 2, tokens: 50}")
    limited = recipe.limited(3, 0.5)
    assert limited.budget is not None
    assert (limited.budget.usd, limited.budget.hours, limited.budget.tokens) == (3, 0.5, 50)
    assert recipe.limited(None, None) is recipe


def test_a_limit_of_money_on_the_command_line_needs_a_price_too(tmp_path: Path) -> None:
    text = changed('{kind: scripted, lines: [{reply: "Yes."}]}', "{kind: openai, model: m}")
    recipe = load_text(tmp_path, text)
    with pytest.raises(ConfigError, match="no known price"):
        recipe.limited(1, None)
    assert recipe.limited(None, 1).budget is not None


@pytest.mark.parametrize("hours", [0, -2, 1e9])
def test_limits_without_sense_name_their_option(tmp_path: Path, hours: float) -> None:
    with pytest.raises(ConfigError, match="--max-hours: needs "):
        load_text(tmp_path, TEXT).limited(None, hours)
