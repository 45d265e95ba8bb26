"""The command answers at once, says in one line what is wrong, and ends with the right code."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from openbezoar.cli import _interrupted
from openbezoar.doctor import EXTRAS

TEXT = """\
name: small
models:
  teacher: {kind: scripted, lines: [{reply: "Yes, indeed."}]}
stages:
  seeds: {kind: source, source: {kind: sample, rows: instructions}}
  rows: {kind: generate, seeds: seeds, teacher: teacher, scheme: {kind: respond}, limit: 4}
  kept: {kind: filter, rows: rows, filters: [{kind: length, answer: {least_words: 1}}]}
  data: {kind: mix, rows: [kept]}
"""
HEAVY = {"torch", "transformers", "peft", "accelerate", "bitsandbytes", "datasets", "lm_eval",
         "matplotlib", "openai", "ray", "xllamacpp"}  # fmt: skip
IMPORTS = """
import sys
sys.argv = ["bezoar", *sys.argv[1:]]
from openbezoar.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def bezoar(folder: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = code or "from openbezoar.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recipe."""
    (tmp_path / "recipe.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and a store that it made."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "recipe.yaml").write_text(TEXT, encoding="utf-8")
    done = bezoar(folder, "run", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["schema"]])
def test_data_work_loads_nothing_heavy(folder: Path, arguments: list[str]) -> None:
    done = bezoar(folder, *arguments, code=IMPORTS)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stderr.split()) == set()


def test_a_plan_and_a_run_without_training_load_nothing_heavy(folder: Path) -> None:
    for verb in ("plan", "run"):
        done = bezoar(folder, verb, "recipe.yaml", code=IMPORTS)
        assert done.returncode == 0, done.stderr
        assert HEAVY & set(done.stderr.split()) == set()


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["run", "absent.yaml"], 1, "absent.yaml: no such recipe"),
        (["plan", "absent.yaml"], 1, "absent.yaml: no such recipe"),
        (["run", "recipe.yaml", "-s", "stages.rows.limitt=1"], 1, "did you mean 'limit'?"),
        (["run", "recipe.yaml", "-s", "\x1b[31m=1"], 1, "\\x1b[31m: unknown key"),
        (["run", "recipe.yaml", "-s", "=3"], 1, "-s =3: write path.to.key=value"),
        (["run", "recipe.yaml", "-s", "stages..x=3"], 1, "write path.to.key=value"),
        (["run", "recipe.yaml", "-s", "stages.rows"], 1, "write path.to.key=value"),
        (["show", "rows"], 1, "holds no stage 'rows'"),
        (["show", "rows", "--funnel"], 1, "holds no stage 'rows'"),
        (["show", "rows", "--ledger"], 1, "--ledger is of the whole line; leave out 'rows'"),
        (["show", "--funnel", "--ledger"], 1, "are asked for one at a time"),
        (["show", "--store", "absent"], 1, "absent: no such folder"),
        (["peek", "rows", "--store", "absent"], 1, "absent: no such folder"),
        (["why", "row-1", "--store", "absent"], 1, "absent: no such folder"),
        (["report", "--store", "absent"], 1, "absent: no such folder"),
        (["compare", "a", "b", "--store", "absent"], 1, "absent: no such folder"),
        (["chat", "sft", "--store", "absent"], 1, "absent: no such folder"),
        (["peek", "rows"], 1, "holds no stage 'rows'"),
        (["why", "row-1"], 1, "no stage made a row 'row-1'"),
        (["data", "pull", "doly"], 1, "did you mean 'dolly'?"),
        (["data", "verify", "doly"], 1, "did you mean 'dolly'?"),
        (["runn", "recipe.yaml"], 2, "runn"),
        (["run"], 2, "recipe"),
        (["run", "recipe.yaml", "--colour"], 2, "--colour"),
        (["peek", "rows", "-n", "0"], 2, "-n"),
    ],
)
def test_a_mistake_has_its_exit_code_and_one_line(
    folder: Path, arguments: list[str], code: int, complaint: str
) -> None:
    done = bezoar(folder, *arguments)
    assert done.returncode == code
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert code == 2 or done.stderr.splitlines() == [done.stderr.strip()]


def test_debug_shows_where_an_error_comes_from(folder: Path) -> None:
    done = bezoar(folder, "--debug", "run", "absent.yaml")
    assert "Traceback" in done.stderr
    assert "no such recipe" in done.stderr
    assert done.returncode == 1


CONTAMINATED = """\
name: contaminated
models:
  judge: {kind: scripted, lines: [{reply: "5"}]}
stages:
  seeds: {kind: source, source: {kind: jsonl, path: rows.jsonl}}
  kept:
    kind: filter
    rows: seeds
    filters:
      - {kind: length}
      - {kind: contamination, benchmarks: [{kind: harness, data: sample}]}
"""


@pytest.fixture
def contaminated(tmp_path: Path) -> Path:
    """A recipe, and two rows of which one asks an item of our own questions."""
    asked = ["What happens to a muscle when it does work?", "What is the tallest hat?"]
    rows = "".join(json.dumps({"id": text[:9], "instruction": text}) + "\n" for text in asked)
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(CONTAMINATED, encoding="utf-8")
    return tmp_path


def test_a_contaminated_row_is_dropped_and_peek_says_why(contaminated: Path) -> None:
    done = bezoar(contaminated, "run", "recipe.yaml")
    assert "warning" not in done.stderr
    shown = bezoar(contaminated, "peek", "kept", "--rejected").stdout.splitlines()
    assert shown[:3] == ["rows  rejected", "1     contamination: contaminated", ""]
    assert shown[3:5] == ["[contamination: contaminated]", "[task: sample_choices]"]
    found = ("peek", "kept", "--rejected", "--reason", "contamination: c", "--json")
    assert len(bezoar(contaminated, *found).stdout.splitlines()) == 1
    none = bezoar(contaminated, "peek", "kept", "--rejected", "--reason", "x: y")
    assert (none.stdout, none.stderr) == (
        "",
        "kept: no rejected rows whose reason contains 'x: y'\n",
    )


def test_contaminated_rows_are_never_kept_in_silence(contaminated: Path) -> None:
    call = ("run", "recipe.yaml", "--keep-contaminated")
    warning = (
        "warning: stages.kept: 1 contaminated row kept; scores on sample_choices are not clean"
    )
    for done in (bezoar(contaminated, *call), bezoar(contaminated, *call)):
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1] == warning
    planned = bezoar(contaminated, "plan", *call[1:])
    assert "rows that hold items of benchmarks are kept" in planned.stderr
    rows = next(contaminated.glob(".bezoar/kept-*/rows.jsonl")).read_text(encoding="utf-8")
    assert rows.count("contaminated, kept on request") == 1


def test_keeping_what_nothing_looks_for_is_a_mistake(folder: Path) -> None:
    done = bezoar(folder, "run", "recipe.yaml", "--keep-contaminated")
    assert done.returncode == 1
    assert "no filter of the recipe is of kind contamination" in done.stderr


def test_a_run_tells_progress_aside_and_its_result_on_stdout(made: Path) -> None:
    done = bezoar(made, "run", "recipe.yaml")
    assert done.returncode == 0
    assert done.stdout.startswith("4 artifacts in .bezoar")
    assert "rows: made already" in done.stderr


def test_a_plan_and_a_run_say_which_key_goes_where_before_it_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "canary-key")
    stranger = (
        "models.teacher={kind: openai, model: m, runtime: {api_key_env: MY_KEY, max_retries: 0, "
        'base_url: "http://127.0.0.1:9/\\e[2J/v1"}}'
    )
    told = "models.teacher sends the key in MY_KEY to http://127.0.0.1:9/\\x1b[2J/v1"
    for verb in ("plan", "run"):
        done = bezoar(folder, verb, "recipe.yaml", "-s", stranger)
        assert done.stderr.splitlines()[0] == told
        assert "canary-key" not in done.stderr + done.stdout
    monkeypatch.delenv("MY_KEY")
    assert "MY_KEY (not set) to" in bezoar(folder, "plan", "recipe.yaml", "-s", stranger).stderr
    assert "sends the key" not in bezoar(folder, "plan", "recipe.yaml").stderr


def test_a_column_that_nothing_fills_is_left_out(made: Path) -> None:
    shown = json.loads(bezoar(made, "show", "--json").stdout)
    assert all(row["usd"] is None for row in shown)
    heading = bezoar(made, "show").stdout.splitlines()[0].split()
    assert heading == ["stage", "kind", "fingerprint", "result", "seconds", "peak_mb"]


def test_help_tells_what_the_command_is_for_and_of_debug(folder: Path) -> None:
    text = " ".join(bezoar(folder, "--help").stdout.split())
    assert "A base model, a teacher and seed rows in;" in text
    assert "--debug Show where an error comes from" in text


@pytest.mark.parametrize("group", [[], ["data"]])
def test_no_verb_s_line_in_the_help_is_cut(folder: Path, group: list[str]) -> None:
    listed = bezoar(folder, *group, "--help").stdout.split("Commands:")[1]
    assert "run" in listed or "pull" in listed
    assert "..." not in listed


def test_the_version_is_told_alone_and_by_doctor(folder: Path) -> None:
    version = importlib.metadata.version("openbezoar")
    assert bezoar(folder, "--version").stdout == f"openbezoar {version}\n"
    first = json.loads(bezoar(folder, "doctor", "--json").stdout)[0]
    assert (first["what"], first["state"]) == ("openbezoar", version)


def test_plan_show_and_peek_speak_json_and_tables(made: Path) -> None:
    planned = json.loads(bezoar(made, "plan", "recipe.yaml", "--json").stdout)
    assert [step["state"] for step in planned] == ["made"] * 4
    shown = json.loads(bezoar(made, "show", "--json").stdout)
    assert [row["stage"] for row in shown] == ["seeds", "rows", "kept", "data"]
    assert json.loads(bezoar(made, "show", "rows", "--json").stdout)["numbers"]["rows"] == 4
    assert "4 rows from 4 seeds" in bezoar(made, "show").stdout
    assert "  seeds: 4\n" in bezoar(made, "show", "rows").stdout
    rows = bezoar(made, "peek", "rows", "-n", "2", "--json").stdout.splitlines()
    assert [json.loads(row)["messages"][-1]["content"] for row in rows] == ["Yes, indeed."] * 2
    assert "assistant: Yes, indeed." in bezoar(made, "peek", "rows", "-n", "1").stdout


def test_a_plan_says_what_is_left_to_pay_for(folder: Path) -> None:
    planned = bezoar(folder, "plan", "recipe.yaml", "--max-usd", "5").stdout
    lines = [line.split() for line in planned.splitlines()]
    assert ["rows", "3", "4"] in [line[:3] for line in lines], "about three of four rows come"
    assert lines[-1][0] == "total"
    steps = json.loads(bezoar(folder, "plan", "recipe.yaml", "--json").stdout)
    assert steps[1]["estimate"]["requests"] == {"low": 4, "likely": 4, "high": 4}


def test_a_plan_says_when_a_limit_will_be_reached(folder: Path) -> None:
    told = bezoar(folder, "plan", "recipe.yaml", "--max-hours", "1").stderr
    assert "warning: whether the run stays within 1 h 00 min is not known" in told


def test_a_plan_of_the_papers_recipe_loads_nothing_heavy(folder: Path) -> None:
    recipe = Path(__file__).parents[1] / "recipes" / "openbezoar-3b.yaml"
    planned = bezoar(folder, "plan", str(recipe), code=IMPORTS)
    assert planned.returncode == 0, planned.stderr
    assert not HEAVY & set(planned.stderr.splitlines()[-1].split())
    assert "unknown" in planned.stdout


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (["--max-usd=-1"], 1, "--max-usd: needs more than 0"),
        (["--max-hours=nan"], 1, "--max-hours: needs a finite number"),
        (["--max-hours=1000000"], 1, "--max-hours: needs 8784 or less"),
        (["--probe=0"], 2, "--probe"),
        (["--actual"], 1, "no stage of the recipe is made there"),
    ],
)
def test_limits_and_probes_without_sense_are_one_line(
    folder: Path, options: list[str], code: int, complaint: str
) -> None:
    done = bezoar(folder, "plan", "recipe.yaml", *options)
    assert done.returncode == code
    assert complaint in done.stderr


def test_what_was_expected_stands_beside_what_it_took(made: Path) -> None:
    lines = [
        line.split() for line in bezoar(made, "plan", "recipe.yaml", "--actual").stdout.split("\n")
    ]
    assert ["rows", "requests", "4", "4", "4", "+0%"] in lines
    found = json.loads(bezoar(made, "plan", "recipe.yaml", "--actual", "--json").stdout)
    stages = {one["stage"].partition(" of ")[0] for one in found}
    assert stages == {"seeds", "rows", "kept", "data", "total"}
    (seconds,) = (one for one in found if one["figure"] == "seconds" and "total" in one["stage"])
    assert seconds["stage"] in ("total", "total of 3 of 4 stages")
    memory = next(one for one in found if one["figure"] == "memory_mb")
    assert memory["actual"] > 10


def test_show_prints_the_funnel_below_the_artifacts(made: Path) -> None:
    steps = json.loads(bezoar(made, "show", "--funnel", "--json").stdout)
    assert [(step["step"], step["rows"]) for step in steps] == [
        ("draws", 4), ("requests", 4), ("returned", 4), ("parsed", 4), ("made", 4), ("kept", 4)
    ]  # fmt: skip
    table = bezoar(made, "show", "rows", "--funnel").stdout
    assert table.splitlines()[-1].split() == ["rows", "respond", "kept", "kept:", "length", "4"]
    assert bezoar(made, "show").stdout.endswith(f"\n\n{table}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"format": 1,', "broken manifest; remove its folder and run again"),
        ('{"format": 99}', "written by a newer version; upgrade openbezoar to read it"),
        ({"numbers": {}}, "unknown numbers (field read is missing)"),
    ],
)
def test_show_names_an_artifact_that_is_broken_and_shows_the_others(
    made: Path, tmp_path: Path, content: str | dict[str, Any], why: str
) -> None:
    folder = shutil.copytree(made, tmp_path / "made")
    (manifest,) = folder.glob(".bezoar/kept-*/manifest.json")
    whole = json.loads(manifest.read_text(encoding="utf-8"))
    text = content if isinstance(content, str) else json.dumps(whole | content)
    manifest.write_text(text, encoding="utf-8")
    shown = bezoar(folder, "show")
    assert shown.returncode == 1
    artifacts, funnel = shown.stdout.split("\n\n")
    assert shown.stderr == f"not shown: .bezoar/{manifest.parent.name}: manifest.json: {why}\n"
    assert [line.split()[0] for line in artifacts.splitlines()[1:]] == ["seeds", "rows", "data"]
    assert funnel.splitlines()[-1].split() == ["rows", "respond", "made", "4"]


def test_where_nothing_was_dropped_peek_says_so(made: Path) -> None:
    none = bezoar(made, "peek", "kept", "--rejected")
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "kept: no rejected rows\n")


def test_settings_have_the_names_that_a_recipe_gives_them(made: Path) -> None:
    row = json.loads(bezoar(made, "peek", "seeds", "-n", "1", "--json").stdout)["id"]
    shown = bezoar(made, "show", "seeds").stdout
    assert "rows: instructions" in shown
    planned = bezoar(made, "plan", "recipe.yaml", "-s", "stages.seeds.source.rows=flan").stdout
    assert "source.rows: instructions → flan" in planned
    told = bezoar(made, "why", row).stdout
    assert '"rows":"instructions"' in told
    assert "rows_of" not in shown + planned + told


def test_why_walks_a_row_back_as_text_and_json(made: Path) -> None:
    row = json.loads(bezoar(made, "peek", "rows", "-n", "1", "--json").stdout)
    text = bezoar(made, "why", row["id"]).stdout
    assert text.startswith(f"# {row['id']}\n")
    assert "answer (stop): Yes, indeed." in text
    found = json.loads(bezoar(made, "why", row["id"], "--json").stdout)
    assert found["row"] == row
    assert [parent["id"] for parent in found["parents"]] == row["parents"]


def test_an_empty_store_is_no_mistake(folder: Path) -> None:
    assert bezoar(folder, "show").stdout == "nothing yet\n"
    assert json.loads(bezoar(folder, "show", "--json").stdout) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("run recipe.yaml", "interrupted; the same command continues from here"),
        ("publish data --to out", "interrupted; the same command continues from here"),
        ("--debug show", "interrupted"),
        ("chat run", "interrupted"),
    ],
)
def test_only_a_verb_that_keeps_something_promises_to_continue(line: str, told: str) -> None:
    assert _interrupted(line.split()) == told


def test_every_verb_has_an_example(folder: Path) -> None:
    listed = bezoar(folder, "--help").stdout.split("Commands:")[1].splitlines()
    verbs = [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]
    assert {"run", "plan", "show", "peek", "why", "report", "doctor", "schema"} <= set(verbs)
    for verb in set(verbs) - {"data"}:
        assert f"Example: bezoar {verb}" in bezoar(folder, verb, "--help").stdout
    for verb in ("list", "pull", "verify"):
        assert f"Example: bezoar data {verb}" in bezoar(folder, "data", verb, "--help").stdout


def test_a_shell_completes_verbs_and_the_stages_of_the_store(made: Path) -> None:
    call = """
import os, sys
from openbezoar.cli import app
os.environ.update({"_BEZOAR_COMPLETE": "complete_bash", "COMP_WORDS": sys.argv[1]})
os.environ["COMP_CWORD"] = str(sys.argv[1].count(" "))
app(prog_name="bezoar")
"""
    assert bezoar(made, "bezoar pe", code=call).stdout.split() == ["peek"]
    assert {"run", "plan", "init"} <= set(bezoar(made, "bezoar ", code=call).stdout.split())
    assert bezoar(made, "bezoar peek k", code=call).stdout.split() == ["kept"]
    assert bezoar(made, "bezoar show ", code=call).stdout.split() == [
        "data",
        "kept",
        "rows",
        "seeds",
    ]


def test_doctor_looks_at_every_extra_of_the_package() -> None:
    pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
    extras = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(EXTRAS) == set(extras) - {"all", "dev"}


def test_doctor_tells_the_machine_the_data_and_the_embedded_model(folder: Path) -> None:
    told = {row["what"] for row in json.loads(bezoar(folder, "doctor", "--json").stdout)}
    looked_at = {"python", "processors", "memory", "free disk here", "gpu", "embedded model"}
    looked_at |= {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "extra train", "extra llama"}
    assert looked_at | {"HF_TOKEN", "data dolly"} <= told


def test_doctor_names_pull_only_for_what_can_be_pulled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBEZOAR_CACHE", str(folder))
    monkeypatch.setenv("OPENBEZOAR_DATA", str(folder))
    fixes = {
        row["what"]: row["fix"] for row in json.loads(bezoar(folder, "doctor", "--json").stdout)
    }
    assert fixes["data dolly"] == "bezoar data pull dolly"
    assert "OPENBEZOAR_DATA" in fixes["data lm_eval"]


def test_doctor_says_what_is_here_and_never_shows_a_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    done = bezoar(folder, "doctor", "--json")
    found = {row["what"]: row["state"] for row in json.loads(done.stdout)}
    assert found["OPENAI_API_KEY"] == "set"
    assert found["extra train"] == "installed"
    assert "canary-key" not in done.stdout + done.stderr


def test_a_card_is_printed_with_the_reason_why_an_unknown_licence_is_accepted(made: Path) -> None:
    text = bezoar(made, "card", "data", "--accept-licence", "it is a test").stdout
    assert text.startswith("---\nlicense: unknown\n")
    assert "for this reason: it is a test" in text
    done = bezoar(made, "card", "absent")
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds no stage 'absent'" in done.stderr


def test_show_says_which_licence_follows_or_what_is_in_the_way(made: Path) -> None:
    assert "\nlicence: Apache-2.0\n" in bezoar(made, "show", "seeds").stdout
    told = bezoar(made, "show", "data").stdout
    assert "\nlicence: none follows\n  unknown: teacher teacher (scripted): nobody" in told
