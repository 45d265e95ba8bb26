"""Rows surely in another language are dropped; of the others nothing is guessed."""

# ruff: noqa: E501, RUF001 - whole sentences, in the letters of their languages

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openbezoar.errors import ConfigError
from openbezoar.filters.language import Language
from openbezoar.records import Example, Seed

Make = Callable[..., Example]
Decide = Callable[..., Any]

ENGLISH = "The baker gets up long before the sun rises, because the dough needs time to rest."
OTHERS = {
    "cs": "Pekař vstává dlouho před východem slunce, protože těsto potřebuje čas, aby odpočinulo.",
    "de": "Der Bäcker steht lange vor Sonnenaufgang auf, weil der Teig Zeit braucht, um zu ruhen.",
    "es": "El panadero se levanta mucho antes del amanecer, porque la masa necesita tiempo para reposar.",
    "fi": "Leipuri nousee kauan ennen auringonnousua, koska taikina tarvitsee aikaa levätäkseen rauhassa.",
    "fr": "Le boulanger se lève bien avant le soleil, parce que la pâte a besoin de temps pour reposer.",
    "it": "Il fornaio si alza molto prima del sole, perché l'impasto ha bisogno di tempo per riposare.",
    "nl": "De bakker staat lang voor zonsopgang op, omdat het deeg tijd nodig heeft om te rusten.",
    "pl": "Piekarz wstaje na długo przed wschodem słońca, ponieważ ciasto potrzebuje czasu na odpoczynek.",
    "pt": "O padeiro levanta-se muito antes do nascer do sol, porque a massa precisa de tempo para descansar.",
    "ru": "Пекарь встаёт задолго до восхода солнца, потому что тесту нужно время, чтобы отдохнуть.",
    "tr": "Fırıncı güneş doğmadan çok önce kalkar, çünkü hamurun dinlenmek için zamana ihtiyacı vardır.",
    "zh": "面包师在太阳升起之前很久就起床了，因为面团需要时间休息。他先把炉子点燃，然后揉面，最后把面包放进烤箱里，等到街上的人都醒来的时候面包已经烤好了。",
}


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_dropped_by_name(language: str, example: Make, decide: Decide) -> None:
    rows = [example(ENGLISH, OTHERS[language]), example(OTHERS[language], ENGLISH)]
    verdicts, _ = decide(Language(languages=("en",)), rows)
    assert [verdict.reason for verdict in verdicts] == [
        f"answer in {language}", f"instruction in {language}",
    ]  # fmt: skip


def test_every_wanted_language_is_kept(example: Make, decide: Decide) -> None:
    rows = [example(ENGLISH, text) for text in (ENGLISH, OTHERS["de"], OTHERS["fr"])]
    verdicts, numbers = decide(Language(languages=("en", "de")), rows)
    assert [verdict.keep for verdict in verdicts] == [True, True, False]
    assert numbers["language"] == {"told": {"en": 4, "de": 1, "fr": 1}, "untold": {}}


SHORT = [("Wer?", "Ludwig van Beethoven"), ("", ""), ("\x00", "\ud800 \U0001f600"), ("1 + 1?", "2")]


@pytest.mark.parametrize(("untold", "keep"), [("keep", True), ("drop", False)])
@pytest.mark.parametrize("texts", SHORT)
def test_what_is_too_short_to_tell_is_decided_by_the_setting(
    untold: str, keep: bool, texts: tuple[str, str], example: Make, decide: Decide
) -> None:
    part = Language.model_validate({"languages": ["en"], "untold": untold})
    (verdict,), numbers = decide(part, [example(*texts)])
    assert verdict.reason == ("" if keep else "language untold: too short")
    assert numbers["language"] == {"told": {}, "untold": {"too short": 2}}


def test_one_text_that_tells_is_enough(example: Make, decide: Decide) -> None:
    part = Language(languages=("en",), untold="drop")
    verdicts, _ = decide(part, [example(ENGLISH, "Yes."), Seed(id="s", instruction=ENGLISH)])
    assert all(verdict.keep for verdict in verdicts)


def test_names_of_many_languages_tell_none(example: Make, decide: Decide) -> None:
    names = (
        "Kaley Cuoco, Melissa Rauch, Bernadette Rostenkowski-Wolowitz, Mayim Bialik, Kunal Nayyar"
    )
    (verdict,), numbers = decide(Language(languages=("en",), of=("answer",)), [example("", names)])
    assert verdict.keep
    assert numbers["language"] == {"told": {}, "untold": {"too mixed": 1}}


def test_code_and_addresses_are_no_prose(example: Make, decide: Decide) -> None:
    code = f"```\n{OTHERS['de']}\n``` and `{OTHERS['fr']}` at https://example.org/{'der-' * 40}"
    open_fence = f"{ENGLISH}\n```\n{OTHERS['de'] * 4}"
    rows = [example("", code), example("", open_fence)]
    verdicts, numbers = decide(Language(languages=("en",), of=("answer",)), rows)
    assert all(verdict.keep for verdict in verdicts)
    assert numbers["language"] == {"told": {"en": 1}, "untold": {"too short": 1}}


def test_a_megabyte_is_told_by_its_beginning(example: Make, decide: Decide) -> None:
    (verdict,), _ = decide(Language(languages=("en",)), [example(ENGLISH, OTHERS["de"] * 12_000)])
    assert verdict.reason == "answer in de"
    assert 0.8 <= float(str(verdict.details["probability"])) <= 1


def test_an_unknown_language_is_refused_before_a_run() -> None:
    with pytest.raises(ConfigError, match="py3langid knows no 'xx'"):
        Language(languages=("en", "xx")).check_ready({})
    with pytest.raises(ValidationError, match="languages"):
        Language(languages=("English",))


@pytest.mark.slow
def test_hardly_a_row_in_english_is_taken_for_another_language(
    data_folder: Path, example: Make, decide: Decide
) -> None:
    path = data_folder / "dolly" / "databricks-dolly-15k.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = [json.loads(line) for _, line in zip(range(4000), file, strict=False)]
    rows = [example(f"{r['instruction']}\n\n{r['context']}".strip(), r["response"]) for r in found]
    verdicts, _ = decide(Language(languages=("en",)), rows)
    assert sum(not verdict.keep for verdict in verdicts) <= 0.005 * len(rows)
