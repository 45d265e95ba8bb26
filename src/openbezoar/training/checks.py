"""What must be true before training: each check says what is wrong, where, and the fix."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from pydantic import JsonValue

from openbezoar.errors import DataError
from openbezoar.records import Example, Message, Preference, Row
from openbezoar.training.adapters import vocabulary
from openbezoar.training.encoding import EncodedRows
from openbezoar.training.format import PROBES, Format

__all__ = [
    "Fault",
    "Trained",
    "compared_texts",
    "embedding_faults",
    "format_faults",
    "padding_faults",
    "refuse",
    "rendering_faults",
    "sequence_faults",
    "splitting_faults",
    "training_faults",
]

RENDERED = 16
"""The rows that are rendered anew by the tokenizer as others will load it."""


class Trained(Protocol):
    """Weights to start from."""

    @property
    def folder(self) -> Path:
        """Their folder."""

    @property
    def format(self) -> JsonValue:
        """The fingerprint of the format they were trained in; None for a checkpoint."""


class Fault(NamedTuple):
    """Something that would make training worthless."""

    check: str
    what: str
    where: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.fix}"


def refuse(faults: Sequence[Fault]) -> None:
    """Raise DataError for the first fault, if there is one."""
    if faults:
        more = f" (and {len(faults) - 1} more: `bezoar check RECIPE`)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}")


def training_faults(
    format_: Format,
    start: Trained,
    parts: Mapping[str, EncodedRows],
    stage: str,
) -> list[Fault]:
    """All that can be told without the weights, from the parts of a data set."""
    where, rows = f"stages.{stage}", parts["train"].first
    return [
        *padding_faults(format_, str(start.folder)),
        *embedding_faults(format_, start.folder),
        *splitting_faults(format_, start.folder, compared_texts(rows)),
        *format_faults(format_, start.format, where),
        *(fault for part in parts.values() for fault in sequence_faults(format_, part, where)),
        *rendering_faults(format_, rows, where),
    ]


def format_faults(format_: Format, expected: JsonValue, where: str) -> Iterator[Fault]:
    """What was trained in one format must not be used in another (P3)."""
    if expected is not None and expected != format_.fingerprint:
        yield Fault(
            "format",
            f"its tokenizer or template is not the one it was trained with (format "
            f"{format_.fingerprint}, its manifest says {expected})",
            where,
            "remove the artifact of its start point and run again, so that both are made alike",
        )


def padding_faults(format_: Format, where: str) -> Iterator[Fault]:
    """Padding must not be the token that ends an answer (P6)."""
    tokenizer = format_.tokenizer
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id == tokenizer.eos_token_id:
        yield Fault(
            "pad",
            f"padding and the end of an answer are one token, {tokenizer.eos_token!r}",
            where,
            "give the tokenizer another pad_token, such as its unknown token",
        )


def embedding_faults(format_: Format, folder: Path) -> Iterator[Fault]:
    """The model must have a row for each token: none added, no embedding resized."""
    rows, highest = vocabulary(folder), max(format_.tokenizer.get_vocab().values())
    if highest >= rows:
        yield Fault(
            "vocabulary",
            f"the tokenizer has ids up to {highest}, the model embeddings for {rows}",
            str(folder),
            "take the added tokens out of the tokenizer, or name a checkpoint that knows them",
        )


def splitting_faults(format_: Format, folder: Path, texts: Sequence[str]) -> Iterator[Fault]:
    """The tokenizer must split as the SentencePiece model the base was trained with (P1)."""
    from openbezoar.training.tokenizer import differing

    others = differing(format_.tokenizer, folder, [*PROBES, *texts])
    if others:
        yield Fault(
            "tokenizer",
            f"it and tokenizer.model split {len(others)} of {len(PROBES) + len(texts)} texts "
            f"differently, such as {others[0][:60]!r}",
            str(folder),
            "set tokenizer_class to SentencePieceBackend in its tokenizer_config.json and remove "
            "tokenizer.json",
        )


def sequence_faults(format_: Format, part: EncodedRows, where: str) -> Iterator[Fault]:
    """Each whole answer must end with EOS (P6, P7), each row begin with one BOS at most (P2)."""
    endless = [id_ for id_, row in _pairs(part) if any(not _ends(format_, one) for one in row)]
    if endless:
        yield Fault(
            "eos",
            f"the last learned token of {len(endless)} rows is not EOS, such as {endless[0]}",
            where,
            "an objective must end each answer it did not cut with the tokenizer's eos_token_id",
        )
    begun = [id_ for id_, row in _pairs(part) if any(not _begins(format_, one) for one in row)]
    if begun:
        yield Fault(
            "bos",
            f"{len(begun)} rows do not begin with BOS once, such as {begun[0]}",
            where,
            "let either the chat template or the tokenizer add it, not both",
        )


def rendering_faults(format_: Format, rows: Sequence[Row], where: str) -> Iterator[Fault]:
    """Whoever loads the tokenizer that is saved must render what is trained on (P3, P4)."""
    from openbezoar.training.tokenizer import load_tokenizer

    with TemporaryDirectory() as folder:
        format_.tokenizer.save_pretrained(folder)
        saved = load_tokenizer(Path(folder))
    for row in islice(rows, RENDERED):
        rendered = saved.apply_chat_template(
            [message.model_dump() for message in _asked(row)],
            add_generation_prompt=True, tokenize=True, return_dict=False,
        )  # fmt: skip
        if rendered != format_.prompt(_asked(row)):
            yield Fault(
                "template",
                f"the tokenizer, saved and loaded again, renders row {row.id} in other tokens",
                where,
                "look for tokens that its tokenizer_config.json adds or strips spaces around",
            )
            return


def compared_texts(rows: Sequence[Row]) -> list[str]:
    """What the rows say, as it stands in the middle of a prompt: no spaces around."""
    texts = []
    for row in rows:
        said = [message.content for message in _asked(row)]
        if isinstance(row, Preference):
            said += [row.chosen, row.rejected]
        elif isinstance(row, Example):
            said.append(row.answer)
        texts += [text.strip() for text in said if text.strip()]
    return texts


def _asked(row: Row) -> Sequence[Message]:
    if isinstance(row, Preference):
        return row.prompt
    return row.messages[:-1] if isinstance(row, Example) else ()


def _pairs(part: EncodedRows) -> Iterator[tuple[str, tuple[Any, ...]]]:
    return zip(part.ids, part.rows, strict=True)


def _ends(format_: Format, sequence: Any) -> bool:
    learned = [id_ for id_, learn in zip(sequence.ids, sequence.supervised, strict=True) if learn]
    is_whole = "answer" not in sequence.cut
    return bool(learned) and is_whole == (learned[-1] == format_.tokenizer.eos_token_id)


def _begins(format_: Format, sequence: Any) -> bool:
    bos = format_.tokenizer.bos_token_id
    if bos is None or bos == format_.tokenizer.eos_token_id:
        return True if bos is None else sequence.ids[:2] != [bos, bos]
    places = [place for place, id_ in enumerate(sequence.ids) if id_ == bos]
    return places == ([0] if format_.adds_bos else [])
