"""Rows of a JSON Lines file of your own, with its field names translated to ours."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, PrivateAttr, ValidationError, model_validator
from pydantic_core import from_json, to_json

from openbezoar import files, jsonl
from openbezoar.component import nearest
from openbezoar.errors import DataError
from openbezoar.records import PARTIAL, Example, Message, Preference, Row, Seed
from openbezoar.sources.choice import Chosen, Found, rejected, row_id

__all__ = ["JsonlSource"]

Fields = dict[str, Any]

_SEED = ("instruction", "context", "target", "category", "sub_collection", "task", "template_type")
_EXAMPLE = ("messages", "system", "instruction", "context", "answer", "target")
_PAIR = ("prompt", "chosen", "rejected", "subset")
_NAMES = {"seeds": _SEED, "examples": _EXAMPLE, "preferences": _PAIR, "chosen": _PAIR}


class JsonlSource(Chosen):
    """Rows of a local JSON Lines file, plain or gzipped.

    A row keeps its own `id`, or is given one made of its content. Fields that are not ours go
    into its details. A row that does not fit, or a line that holds no JSON object, is rejected
    with its line and the reason; a file without any usable row is an error.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    kind: Literal["jsonl"] = "jsonl"
    makes = "seeds"

    path: str
    """The file, seen from the current folder or, failing that, from the recipe's."""
    rows_of: Literal["seeds", "examples", "preferences", "chosen"] = Field("seeds", alias="rows")
    """What a line holds. Seeds: instruction, perhaps context and target. Examples: messages, or
    instruction and answer, perhaps system and context; one whose `finish_reason` says that it was
    cut off is rejected. Preferences: prompt (text or messages), chosen, rejected. `chosen` reads
    preferences and gives their chosen answers as examples."""
    fields: dict[str, str] = {}
    """Our field names and the file's, such as `{instruction: question}`."""
    licences: tuple[str, ...] = ()
    """The licences that bear on the rows, as SPDX identifiers; none means unknown."""

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Remember the recipe's folder, which its loader gives as context `{"folder": Path}`."""
        self._folder = context.get("folder") if isinstance(context, dict) else None

    @model_validator(mode="after")
    def _fields_are_ours(self) -> "JsonlSource":
        names = ("id", *_NAMES[self.rows_of])
        for name in self.fields:
            if name not in names:
                raise ValueError(
                    f"fields: {name!r} is no field of {self.rows_of}{nearest(name, names)}"
                )
        return self

    def yields(self) -> str:
        """The kind of row, as the settings say."""
        return "examples" if self.rows_of == "chosen" else self.rows_of

    def evidence(self) -> JsonValue:
        """The sha256 of the file."""
        path = self._file()
        return files.digest(path) if path.is_file() else "absent"

    def read(self) -> Iterator[Found]:
        """Every line's row, or why it gives none."""
        path = self._file()
        if not path.is_file():
            raise DataError(f"{self.path}: no such file; looked for {path.absolute()}")
        for number, raw in jsonl.read_each(path):
            place = f"{path}:{number}"
            if isinstance(raw, jsonl.BadLine):
                told = {"line": raw.text.rstrip("\n"), "problem": raw.problem}
                yield rejected(raw.reason, told, place)
                continue
            try:
                yield self._row(raw)
            except ValidationError as error:
                problem = jsonl.first_problem(error, self.fields)
                yield rejected(problem, _writable(raw), place)
            except _Unusable as error:
                yield rejected(str(error), _writable(raw), place)

    def _file(self) -> Path:
        return files.located(self.path, self._folder)

    def _row(self, raw: Fields) -> Row:
        theirs = {self.fields.get(name, name): name for name in _NAMES[self.rows_of]}
        ours = {name: raw[field] for field, name in theirs.items() if raw.get(field) is not None}
        own_id = raw.get(self.fields.get("id", "id"))
        common = {
            "id": str(own_id) if own_id not in (None, "") else row_id("jsonl", raw),
            "origin": "jsonl",
            "licences": self.licences,
            "details": {
                field: value
                for field, value in raw.items()
                if field not in theirs and field != self.fields.get("id", "id")
            },
        }
        return _MAKERS[self.rows_of](ours, common)


class _Unusable(Exception):
    """A row that is well formed and yet nothing to learn from."""


def _writable(raw: Fields) -> Fields:
    """The row with numbers beyond all bounds, such as 1e999, as text: JSON has none."""
    return dict(from_json(to_json(raw, inf_nan_mode="strings")))


def _seed(ours: Fields, common: Fields) -> Row:
    row = Seed.model_validate({**common, **ours})
    _refuse_blank("instruction", row.instruction)
    return row


def _refuse_blank(name: str, text: str) -> None:
    if not text.strip():
        raise _Unusable(f"empty {name}")


def _example(ours: Fields, common: Fields) -> Row:
    messages = ours.get("messages")
    if messages is None:
        asked = Seed.model_validate(
            {**common, **{name: ours[name] for name in ("instruction", "context") if name in ours}}
        )
        messages = [
            *([{"role": "system", "content": ours["system"]}] if ours.get("system") else []),
            {"role": "user", "content": asked.prompt},
            {"role": "assistant", "content": ours.get("answer", "")},
        ]
    row = Example.model_validate({**common, "messages": messages, "target": ours.get("target")})
    _refuse_blank("instruction", row.instruction)
    _refuse_blank("answer", row.answer)
    if str(common["details"].get("finish_reason")) in PARTIAL:
        raise _Unusable("cut off")
    return row


def _preference(ours: Fields, common: Fields) -> Preference:
    prompt = ours.get("prompt")
    if isinstance(prompt, str):
        ours = {**ours, "prompt": [{"role": "user", "content": prompt}]}
    row = Preference.model_validate({**common, **ours})
    _refuse_blank("prompt", row.prompt[-1].content)
    _refuse_blank("answer", row.chosen)
    _refuse_blank("answer", row.rejected)
    if row.chosen == row.rejected:
        raise _Unusable("identical answers")
    return row


def _chosen(ours: Fields, common: Fields) -> Row:
    pair = _preference(ours, common)
    answer = Message(role="assistant", content=pair.chosen)
    return Example.model_validate({**common, "messages": (*pair.prompt, answer)})


_MAKERS: dict[str, Callable[[Fields, Fields], Row]] = {
    "seeds": _seed,
    "examples": _example,
    "preferences": _preference,
    "chosen": _chosen,
}
