"""A small set of rows written for this project, so that a first run needs nothing from anywhere."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from openbezoar import files, jsonl
from openbezoar.errors import DataError
from openbezoar.records import Example, Message, Preference, Row, Seed
from openbezoar.sources.choice import Chosen, Found

__all__ = ["ROWS", "SampleSource"]

ROWS = Path(__file__).parent / "rows"
"""The folder of the rows shipped with the package."""
LICENCE = "Apache-2.0"
_WRITTEN = {"origin": "sample", "licences": (LICENCE,)}


class SampleSource(Chosen):
    """Rows that ship with the package."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    kind: Literal["sample"] = "sample"
    makes = "seeds"

    rows_of: Literal["instructions", "flan", "preferences"] = Field("instructions", alias="rows")
    """Instructions over Dolly's categories, tasks like FLAN's, or preference pairs."""
    answers: bool = False
    """Give examples with the written answers in place of seeds; only for instructions."""

    @model_validator(mode="after")
    def _answers_belong_to_instructions(self) -> "SampleSource":
        if self.answers and self.rows_of != "instructions":
            raise ValueError("`answers` goes with `rows: instructions`; leave it out here")
        return self

    def yields(self) -> str:
        """Seeds, examples or preferences, as the settings say."""
        if self.rows_of == "preferences":
            return "preferences"
        return "examples" if self.answers else "seeds"

    def evidence(self) -> JsonValue:
        """The sha256 of the file."""
        return files.digest(self._file())

    def read(self) -> Iterator[Found]:
        """Every row of the file; a broken one means a broken installation."""
        make = _answered if self.answers else _MAKERS[self.rows_of]
        for number, raw in jsonl.read_objects(self._file()):
            try:
                yield make(raw)
            except (KeyError, ValueError) as error:
                raise DataError(f"{self._file()}:{number}: {error}; reinstall openbezoar") from None

    def _file(self) -> Path:
        path = ROWS / f"{self.rows_of}.jsonl"
        if not path.is_file():
            raise DataError(f"{path}: no such file; reinstall openbezoar")
        return path


def _instruction(raw: dict[str, Any]) -> Row:
    return Seed(
        id=raw["id"],
        instruction=raw["instruction"],
        context=raw["context"],
        target=raw["response"],
        category=raw["category"],
        **_WRITTEN,
    )


def _answered(raw: dict[str, Any]) -> Row:
    seed = Seed(id=raw["id"], instruction=raw["instruction"], context=raw["context"])
    turns = (
        Message(role="user", content=seed.prompt),
        Message(role="assistant", content=raw["response"]),
    )
    return Example(id=seed.id, messages=turns, details={"category": raw["category"]}, **_WRITTEN)


def _task(raw: dict[str, Any]) -> Row:
    return Seed(
        id=raw["id"],
        instruction=raw["inputs"],
        target=raw["targets"],
        sub_collection=raw["sub_collection"],
        task=raw["task"],
        template_type=raw["template_type"],
        **_WRITTEN,
    )


def _preference(raw: dict[str, Any]) -> Row:
    return Preference(
        id=raw["id"],
        prompt=tuple(Message.model_validate(turn) for turn in raw["prompt"]),
        chosen=raw["chosen"],
        rejected=raw["rejected"],
        subset=raw["subset"],
        **_WRITTEN,
    )


_MAKERS: dict[str, Callable[[dict[str, Any]], Row]] = {
    "instructions": _instruction,
    "flan": _task,
    "preferences": _preference,
}
