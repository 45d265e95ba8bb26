"""The recipe: all that determines a result, read from one YAML file and checked as a whole."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import Field, ValidationError, model_validator

from openbezoar.component import Component, OneOf, discover, nearest
from openbezoar.errors import ConfigError
from openbezoar.families import Evaluation, ModelSpec, Stage
from openbezoar.models.budget import RunBudget
from openbezoar.models.prices import Price
from openbezoar.models.spending import check_prices

__all__ = ["Recipe", "keeping_contaminated", "load", "parse", "schema", "text_of"]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Recipe(Component):
    """Models by name, and stages in the order in which they run."""

    name: str
    description: str = ""
    seed: int = 0
    """Every random choice of the run depends on it."""
    models: dict[str, Annotated[ModelSpec, OneOf("openbezoar.models")]] = {}
    stages: dict[str, Annotated[Stage, OneOf("openbezoar.stages")]] = Field(min_length=1)
    budget: RunBudget | None = None
    """What one run may take, in money and tokens on all models together, and in hours; no part of
    any fingerprint."""
    prices: dict[str, Price] = {}
    """US dollars per million tokens, by the model's name on its server; wins over list prices."""

    @model_validator(mode="after")
    def _settle(self) -> "Recipe":
        settled = {name: stage.settled(name, self.stages) for name, stage in self.stages.items()}
        self.stages.update(settled)
        return self

    def evaluations(self) -> list[Evaluation]:
        """What its stages measure with, each evaluation once."""
        found: list[Evaluation] = []
        for stage in self.stages.values():
            found += [part for part in stage.measures() if part not in found]
        return found

    def kinds(self) -> dict[str, str]:
        """What every name holds; ConfigError when a stage reads what is absent or does not fit."""
        kinds = {
            name: "checkpoint" if spec.trains else "a model that answers"
            for name, spec in self.models.items()
        }
        for name, stage in self.stages.items():
            _check_name(name, kinds)
            for read in stage.reads():
                if read not in kinds:
                    raise ConfigError(
                        f"stages.{name}: reads {read!r}, which no stage above it makes"
                        + nearest(read, kinds)
                    )
            for used in stage.uses():
                if used not in self.models:
                    raise ConfigError(
                        f"stages.{name}: uses model {used!r}, which is not under `models`"
                        + nearest(used, self.models)
                    )
            try:
                stage.check_models(self.models)
                stage.check_stages(self.stages)
                for used in stage.uses():
                    check_prices(self.models[used], self.budget, self.prices)
                kinds[name] = stage.makes(kinds)
            except ConfigError as error:
                raise ConfigError(f"stages.{name}: {error}") from None
        return kinds

    def limited(self, usd: float | None, hours: float | None) -> "Recipe":
        """The same with these limits in place of its own; ConfigError when they cannot be kept."""
        given = {"usd": usd, "hours": hours}
        wanted = {name: value for name, value in given.items() if value is not None}
        if not wanted:
            return self
        own = self.budget.model_dump() if self.budget else {}
        try:
            budget = RunBudget.model_validate({**own, **wanted})
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = problem["loc"][0]
            raise ConfigError(f"--max-{where}: {problem['msg'].lower()}") from None
        recipe = self.model_copy(update={"budget": budget})
        recipe.kinds()
        return recipe

    def keys_sent(self) -> dict[str, tuple[str, str]]:
        """By model that a stage uses: the variable whose key it sends, and where to."""
        used = {name for stage in self.stages.values() for name in stage.uses()}
        sent = {name: spec.sends_key() for name, spec in self.models.items() if name in used}
        return {name: where for name, where in sent.items() if where is not None}


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply `path.to.key=value` overrides, and check the whole line.

    Raises ConfigError with file, line, the place in the recipe and the fix.
    """
    return parse(_read(path), path, overrides)


def parse(text: str, path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that a text holds; `path` is where messages and relative paths place it."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses repeats
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}{_mark(error)}: {_yaml_problem(error)}") from None
    except ValueError as error:  # such as the 45th of a month
        raise ConfigError(f"{path}: not YAML ({error})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a recipe is a mapping with `name`, `models` and `stages`")
    try:
        content = _unshared(content)
    except RecursionError:
        raise ConfigError(f"{path}: an alias holds itself") from None
    for override in overrides:
        _apply(content, override)
    try:
        recipe = Recipe.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        place, problem = _explain(error)
        raise ConfigError(f"{path}{_line_of(text, place)}: {_dotted(place)}: {problem}") from None
    try:
        recipe.kinds()
    except ConfigError as error:
        stage = str(error).split(":", 1)[0].split(".")
        raise ConfigError(f"{path}{_line_of(text, stage)}: {error}") from None
    return recipe


def keeping_contaminated(recipe: Recipe) -> list[str]:
    """The overrides by which every filter that looks for benchmark items keeps what it finds."""
    found = [
        f"stages.{name}.filters.{place}.flagged=keep"
        for name, stage in recipe.stages.items()
        for place, part in enumerate(getattr(stage, "filters", ()))
        if part.kind == "contamination"
    ]
    if not found:
        raise ConfigError("--keep-contaminated: no filter of the recipe is of kind contamination")
    return found


def text_of(recipe: Recipe) -> str:
    """The recipe as YAML that loads as the same recipe: what was set, overrides among it."""
    content = recipe.model_dump(mode="json", exclude_unset=True, by_alias=True)
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors that complete and check YAML."""
    return Recipe.model_json_schema()


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, which plain YAML would drop in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"key {key.value!r} is given twice", key.start_mark
                )
            seen.update([key.value] if isinstance(key, yaml.ScalarNode) else [])
        return node


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such recipe") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None


def _mark(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _yaml_problem(error: Exception) -> str:
    return " ".join(str(getattr(error, "problem", None) or error).split())


def _unshared(value: Any) -> Any:
    """A copy in which no two places are one object, so that an override changes one place only."""
    if isinstance(value, dict):
        return {key: _unshared(below) for key, below in value.items()}
    return [_unshared(below) for below in value] if isinstance(value, list) else value


def _apply(content: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"-s {override}: write path.to.key=value")
    *parents, last = path.split(".")
    place: Any = content
    for depth, part in enumerate(parents):
        place = _descend(place, part, ".".join(parents[: depth + 1]), create=depth >= 2)
    try:
        value = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"-s {path}: the value is not YAML ({_yaml_problem(error)})") from None
    if isinstance(place, list):
        place[_index(last, place, path)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise ConfigError(f"-s {path}: there is nothing below {'.'.join(parents)}")


def _descend(place: Any, part: str, so_far: str, create: bool) -> Any:
    if isinstance(place, list):
        return place[_index(part, place, so_far)]
    if not isinstance(place, dict):
        raise ConfigError(f"-s {so_far}: there is nothing below this key")
    if part not in place:
        if not create:
            raise ConfigError(f"-s {so_far}: no such key{nearest(part, place)}")
        place[part] = {}
    return place[part]


def _index(part: str, place: list[Any], path: str) -> int:
    if not part.isdigit() or int(part) >= len(place):
        raise ConfigError(f"-s {path}: give a position from 0 to {len(place) - 1}")
    return int(part)


def _check_name(name: str, kinds: dict[str, str]) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(f"stages.{name}: a name has lower-case letters, digits, - and _ only")
    if name in kinds:
        raise ConfigError(f"stages.{name}: a model has this name already; choose another")


def _explain(error: ValidationError) -> tuple[list[str], str]:
    """The place in the YAML and the problem, in words, of the first thing wrong.

    An unknown key comes first: it may be the misspelt name of one that is missing.
    """
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    location = list(problem["loc"])
    place = list(_place(location))
    context = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = _fields_at(location[:-1])
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
    return place, str(problem["msg"]).removeprefix("Value error, ")


def _dotted(place: Sequence[str]) -> str:
    return ".".join(place) or "recipe"


def _place(location: Sequence[str | int]) -> Iterator[str]:
    """The location without the tags that pydantic puts in for discriminated unions."""
    annotation: Any = Recipe
    for part in location:
        annotation, is_tag = _below(annotation, part)
        if not is_tag:
            yield str(part)


def _fields_at(location: Sequence[str | int]) -> list[str]:
    annotation: Any = Recipe
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


def _line_of(text: str, place: Sequence[str]) -> str:
    """`:41` when the place, or the nearest part above it, stands in the file."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0
    for part in place:
        if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
    return f":{line + 1}"
