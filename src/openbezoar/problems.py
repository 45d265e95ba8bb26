"""What is wrong with a recipe's settings, in words, and where they stand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError

from openbezoar.component import Component, OneOf, discover, nearest

__all__ = ["explain", "worded"]

NEEDED = {
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
    "dict_type": "a mapping, such as {key: value}",
    "model_type": "a mapping, such as {key: value}",
    "model_attributes_type": "a mapping, such as {key: value}",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
"""What a setting takes, by pydantic's name of the problem."""
BOUNDS = {
    "greater_than": "more than {gt:.15g}",
    "greater_than_equal": "{ge:.15g} or more",
    "less_than": "less than {lt:.15g}",
    "less_than_equal": "{le:.15g} or less",
    "too_short": "at least {min_length} in it",
    "too_long": "at most {max_length} in it",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} characters or fewer",
}
"""The same for what is of the right type, and too little or too much."""


def explain(root: Any, error: ValidationError) -> tuple[list[str], str]:
    """The place in the YAML and the problem, in words, of the first thing wrong.

    `root` is the type that was read. An unknown key comes first: it may be the misspelt name of
    one that is missing.
    """
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    location = list(problem["loc"])
    place = list(_place(root, location))
    context = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = _fields_at(root, location[:-1])
            return place, f"unknown key{nearest(str(location[-1]), known)}"
        case "union_tag_invalid":
            known = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return [
                *place,
                "kind",
            ], f"unknown kind {context['tag']!r}{nearest(context['tag'], known)}"
        case "union_tag_not_found":
            return place, "has no `kind`"
        case "missing":
            return place, "is missing"
    return place, worded(problem)


def worded(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems with a value, in our words where we have some."""
    kind, context, given = problem["type"], problem.get("ctx", {}), problem.get("input")
    if kind in NEEDED:
        found = "nothing is given" if given is None else f"{str(given)[:40]!r} is none"
        return f"needs {NEEDED[kind]}; {found}"
    if kind in BOUNDS:
        return f"needs {BOUNDS[kind].format(**context)}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        hint = nearest(str(given), known) if known else f" (known: {context['expected']})"
        return f"unknown {given!r}{hint}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _place(root: Any, location: Sequence[str | int]) -> Iterator[str]:
    """The location without the tags that pydantic puts in for discriminated unions."""
    annotation: Any = root
    for part in location:
        annotation, is_tag = _below(annotation, part)
        if not is_tag:
            yield str(part)


def _fields_at(root: Any, location: Sequence[str | int]) -> list[str]:
    annotation: Any = root
    for part in location:
        annotation, _ = _below(annotation, part)
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return list(annotation.model_fields)
    return []


def _below(annotation: Any, part: str | int) -> tuple[Any, bool]:
    """The annotation one step down, and whether the step was a union's tag."""
    if get_origin(annotation) is Annotated:
        family, *metadata = get_args(annotation)
        for mark in metadata:
            if isinstance(mark, OneOf):
                parts = discover(mark.package, family)
                if len(parts) > 1:
                    return parts.get(str(part)), True
                return _below(next(iter(parts.values())), part)
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Component):
        field = annotation.model_fields.get(str(part))
        return (_annotated(field.annotation, field.metadata) if field else None), False
    arguments = [given for given in get_args(annotation) if given is not Ellipsis]
    return (arguments[-1] if arguments else None), False


def _annotated(annotation: Any, metadata: list[Any]) -> Any:
    marks = [mark for mark in metadata if isinstance(mark, OneOf)]
    return Annotated[annotation, marks[0]] if marks else annotation


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    choices = [given for given in get_args(annotation) if given is not type(None)]
    is_optional = len(choices) == 1 and type(None) in get_args(annotation)
    return choices[0] if is_optional else annotation
