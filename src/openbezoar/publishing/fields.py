"""A row as published: the fields of the OpenBezoar data sets, and where the row comes from."""

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from openbezoar.records import Example, Grade, Message, Preference, Seed, Verdict

__all__ = ["UNNAMED_JUDGE", "Columns", "Form", "Published", "columns_of", "form_of"]

Published = Seed | Example | Preference
Form = Literal["text", "integer", "real", "texts", "turns"]
"""What a column holds; null is allowed in all of them."""

JUDGED = "judged"
"""The filter whose grades become columns."""
UNNAMED_JUDGE = "judge"
"""How those columns begin where the judge's own name cannot be used."""
_RELEASED: dict[str, Form] = {
    "source": "text",
    "category": "text",
    "evolution_strategy": "text",
    "in-depth-evolving_operation": "text",
    "epoch": "integer",
    "original_index": "integer",
    "inputs": "text",
    "targets": "text",
    "task_source": "text",
    "task_name": "text",
    "template_type": "text",
    "system_message": "text",
    "explained_targets": "text",
    "dataset_source": "text",
}
"""The fields of the released data sets that stand among a row's details."""
_OTHERS: dict[str, Form] = {
    "attempt": "integer",
    "parents": "texts",
    "licences": "texts",
    "messages": "turns",
    "prompt": "turns",
    "chosen": "turns",
    "rejected": "turns",
}
_SEED = ("instruction", "context", "target", "category", "sub_collection", "task", "template_type")
_MAKING = ("scheme", "teacher", "prompt_fingerprint", "attempt", "finish_reason", "target")
_ORIGIN = ("parents", "origin", "licences")
_RATING = "_rating"
_INTEGERS = range(-(2**63), 2**63)


class Columns(NamedTuple):
    """The columns that the rows of one artifact share."""

    released: tuple[str, ...]
    judge: str
    """How the columns of a grade begin; empty where no row has one."""

    def row(self, row: Published) -> dict[str, Any]:
        """A row in these columns; what has no column of its own is in `details`, as JSON."""
        details = dict(row.details)
        apart = {name: details.pop(name) for name in _fitting(row) if name in self.released}
        released = {name: apart.get(name) for name in self.released}
        origin = {"parents": [*row.parents], "origin": row.origin, "licences": [*row.licences]}
        rest = {"details": json.dumps(details, ensure_ascii=False) if details else None}
        if isinstance(row, Seed):
            return {"id": row.id, **_taken(row, _SEED), **released, **origin, **rest}
        if isinstance(row, Preference):
            return {"id": row.id, **_pair(row), **released, **origin, **rest}
        content = {"instruction": row.instruction, "response": row.answer}
        making = {"messages": _turns(row.messages), **_taken(row, _MAKING)}
        verdicts = {"verdicts": _as_json(row.verdicts)}
        return (
            {"id": row.id, **content, **released, **self._graded(row)}
            | making
            | origin
            | rest
            | verdicts
        )

    def _graded(self, row: Example) -> dict[str, Any]:
        if not self.judge:
            return {}
        grade = _grade_of(row) or Grade()
        return {f"{self.judge}_{name}": value for name, value in grade.model_dump().items()}


def columns_of(rows: Iterable[Published], judge: str) -> Columns:
    """The columns for these rows, whose grades, if they have any, are of this judge."""
    released: set[str] = set()
    graded = False
    for row in rows:
        released.update(_fitting(row))
        graded = graded or (isinstance(row, Example) and _grade_of(row) is not None)
    named = UNNAMED_JUDGE if f"{judge}_reason" in _MAKING else judge
    return Columns(tuple(name for name in _RELEASED if name in released), named if graded else "")


def form_of(name: str) -> Form:
    """What a column holds."""
    return (
        _RELEASED.get(name) or _OTHERS.get(name) or ("real" if name.endswith(_RATING) else "text")
    )


def _fitting(row: Published) -> list[str]:
    """The details of a row that can have columns of their own."""
    return [
        name
        for name, value in row.details.items()
        if name in _RELEASED and name not in type(row).model_fields
        if value is None or _is_of(_RELEASED[name], value)
    ]


def _is_of(form: Form, value: JsonValue) -> bool:
    if form == "integer":
        return type(value) is int and value in _INTEGERS
    return isinstance(value, str)


def _taken(row: Published, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _pair(row: Preference) -> dict[str, Any]:
    """A pair as trainers read it: the prompt's turns, and a last turn on either side."""
    return {
        "prompt": _turns(row.prompt),
        "chosen": _turns([Message(role="assistant", content=row.chosen)]),
        "rejected": _turns([Message(role="assistant", content=row.rejected)]),
        "subset": row.subset,
    }


def _turns(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [message.model_dump() for message in messages]


def _grade_of(row: Example) -> Grade | None:
    """The grade of the judge that saw the row last."""
    grades = [verdict.grade for verdict in row.verdicts if verdict.filter == JUDGED]
    return grades[-1] if grades else None


def _as_json(verdicts: Iterable[Verdict]) -> str | None:
    told = [verdict.model_dump(mode="json") for verdict in verdicts]
    return json.dumps(told, ensure_ascii=False) if told else None
