"""Each check finds what it is for, says where and what to do, and nothing where all is well."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from openbezoar.errors import DataError
from openbezoar.objectives.sft import SupervisedFineTuning
from openbezoar.records import Example, Preference
from openbezoar.training import checks
from openbezoar.training.encoding import EncodedRows, encode_rows
from openbezoar.training.format import Format, dress
from tests.conftest import turns

ROWS = [
    Example(id="one", messages=turns("Name a thermal spring.", "Bath.", "Another  one.", "Spa.")),
    Example(id="two", messages=turns("Hello", "Hi.")),
]


@dataclass(frozen=True)
class Start:
    folder: Path
    format: str | None = None


def parts(format_: Format) -> dict[str, EncodedRows]:
    return {"train": encode_rows(ROWS, SupervisedFineTuning(), format_, 4096)}


def names(faults: list[checks.Fault]) -> list[str]:
    return [fault.check for fault in faults]


def test_a_sound_checkpoint_has_no_fault(format_: Format, tiny_checkpoint: Path) -> None:
    start = Start(tiny_checkpoint, format_.fingerprint)
    assert checks.training_faults(format_, start, parts(format_), "sft") == []


def endless(part: EncodedRows) -> EncodedRows:
    """Its second row without its end."""
    (whole,) = part.rows[1]
    part.rows[1] = (replace(whole, ids=whole.ids[:-1], supervised=whole.supervised[:-1]),)
    return part


def test_every_check_is_made_before_training(
    format_: Format, tiny_checkpoint: Path, piece_models: dict[str, Path]
) -> None:
    def found(format_: Format, folder: Path = tiny_checkpoint) -> set[str]:
        return set(names(checks.training_faults(format_, Start(folder), parts(format_), "sft")))

    converted = AutoTokenizer.from_pretrained(str(piece_models["changing"]))
    padded = AutoTokenizer.from_pretrained(str(tiny_checkpoint), pad_token="</s>")
    enlarged = AutoTokenizer.from_pretrained(str(tiny_checkpoint), pad_token="<pad>")
    assert found(Format(padded)) == {"pad"}
    assert found(Format(enlarged)) == {"vocabulary"}
    assert "tokenizer" in found(Format(dress(converted)), piece_models["changing"])
    assert found(_Spoilt(format_.tokenizer)) == {"template"}


@pytest.mark.parametrize("part", ["train", "valid"])
def test_the_rows_of_both_parts_are_looked_at(
    format_: Format, tiny_checkpoint: Path, part: str
) -> None:
    both = {name: parts(format_)["train"] for name in ("train", "valid")}
    both[part] = endless(both[part])
    assert names(checks.training_faults(format_, Start(tiny_checkpoint), both, "sft")) == ["eos"]


def test_the_first_fault_is_raised_in_one_line() -> None:
    checks.refuse([])
    faults = [checks.Fault("eos", "it never ends", "stages.sft", "end it")] * 2
    with pytest.raises(DataError, match=r"^stages\.sft: it never ends; end it \(and 1 more: .*\)$"):
        checks.refuse(faults)


def test_an_answer_that_does_not_end_is_found(format_: Format) -> None:
    (fault,) = checks.sequence_faults(format_, endless(parts(format_)["train"]), "stages.sft")
    assert fault.check == "eos"
    assert fault.what == "the last learned token of 1 rows is not EOS, such as two"


def test_exactly_an_answer_that_was_cut_may_do_without_its_end(format_: Format) -> None:
    part = parts(format_)["train"]
    (whole,) = part.rows[1]
    ids, supervised = whole.ids[:-1], whole.supervised[:-1]
    part.rows[1] = (replace(whole, ids=ids, supervised=supervised, cut=("prompt", "answer")),)
    assert not [*checks.sequence_faults(format_, part, "stages.sft")]
    part.rows[1] = (replace(whole, cut=("answer",)),)
    assert names([*checks.sequence_faults(format_, part, "stages.sft")]) == ["eos"]
    part.rows[1] = (replace(whole, ids=ids, supervised=supervised, cut=("prompt",)),)
    assert names([*checks.sequence_faults(format_, part, "stages.sft")]) == ["eos"]


@pytest.mark.parametrize("kind", ["byte level", "byte level, bos", "wordpiece"])
def test_a_doubled_bos_is_found(formats: dict[str, Format], kind: str) -> None:
    format_ = formats[kind]
    part = parts(format_)["train"]
    assert not [*checks.sequence_faults(format_, part, "stages.sft")]
    bos = format_.tokenizer.bos_token_id
    if bos is not None:
        (whole,) = part.rows[0]
        part.rows[0] = (
            replace(whole, ids=[bos, *whole.ids], supervised=[False, *whole.supervised]),
        )
        assert names([*checks.sequence_faults(format_, part, "stages.sft")]) == ["bos"]


def test_a_doubled_bos_is_found_where_it_also_ends_answers(tiny_checkpoint: Path) -> None:
    """GPT-2 begins and ends a text with one and the same token."""
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_checkpoint), bos_token="</s>")
    format_ = Format(dress(tokenizer))
    part = parts(format_)["train"]
    assert not [*checks.sequence_faults(format_, part, "stages.sft")]
    (whole,) = part.rows[0]
    part.rows[0] = (
        replace(whole, ids=[2, 2, *whole.ids], supervised=[False] * 2 + whole.supervised),
    )
    assert names([*checks.sequence_faults(format_, part, "stages.sft")]) == ["bos"]


def test_padding_that_ends_answers_is_found(tiny_checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_checkpoint), pad_token="</s>")
    (fault,) = checks.padding_faults(Format(tokenizer), "here")
    assert str(fault).startswith("here: padding and the end of an answer are one token, '</s>'; ")


def test_a_token_that_the_model_has_no_embedding_for_is_found(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    assert not [*checks.embedding_faults(Format(tokenizer), folder)]
    rows = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    (fault,) = checks.embedding_faults(Format(tokenizer), folder)
    assert fault.what == f"the tokenizer has ids up to {rows}, the model embeddings for {rows}"


def test_a_conversion_that_splits_rows_otherwise_is_found(piece_models: dict[str, Path]) -> None:
    folder = piece_models["changing"]
    converted = Format(dress(AutoTokenizer.from_pretrained(str(folder))))
    texts = checks.compared_texts(ROWS)
    (fault,) = checks.splitting_faults(converted, folder, texts)
    assert "SentencePieceBackend" in fault.fix
    assert not [*checks.splitting_faults(Format.for_training(folder), folder, texts)]


def test_rows_are_compared_too(piece_models: dict[str, Path]) -> None:
    """No probe holds two spaces after a full stop."""
    folder = piece_models["true"]
    format_ = Format.for_training(folder)
    format_.tokenizer.add_tokens(["thermal spring"])
    (fault,) = checks.splitting_faults(format_, folder, ["A thermal spring."])
    assert "'Name three thermal springs.'" in fault.what
    assert "of 18 texts" in fault.what


def test_another_format_than_the_trained_one_is_found(
    format_: Format, tiny_checkpoint: Path
) -> None:
    faults = checks.training_faults(format_, Start(tiny_checkpoint, "abc"), parts(format_), "sft")
    assert names(faults) == ["format"]
    assert f"(format {format_.fingerprint}, its manifest says abc)" in str(faults[0])


def test_a_tokenizer_that_renders_otherwise_once_it_is_saved_is_found(
    formats: dict[str, Format],
) -> None:
    format_ = formats["byte level"]
    assert not [*checks.rendering_faults(format_, ROWS, "stages.sft")]
    spoilt = _Spoilt(format_.tokenizer)
    (fault,) = checks.rendering_faults(spoilt, ROWS, "stages.sft")
    assert fault.check == "template"
    assert "row one" in fault.what


class _Spoilt(Format):
    """Renders a prompt without its last token."""

    def prompt(self, messages):  # type: ignore[no-untyped-def]
        return super().prompt(messages)[:-1]


def test_what_is_compared_is_what_both_sides_say() -> None:
    pair = Preference(id="p", prompt=turns(" Hello "), chosen="Yes.", rejected="No.")
    assert checks.compared_texts([pair, ROWS[1]]) == ["Hello", "Yes.", "No.", "Hello", "Hi."]
