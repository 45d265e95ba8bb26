"""The verb that writes a first recipe."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openbezoar.cli.output import say
from openbezoar.plurals import counted

if TYPE_CHECKING:
    from openbezoar.starting.answers import Question


def init(  # noqa: PLR0913 - one argument per option
    recipe: Annotated[Path, typer.Argument(help="The file to write.")] = Path("recipe.yaml"),
    rows: Annotated[
        str | None, typer.Option(help="Instructions to start from: sample, dolly, FILE.jsonl.")
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Who writes: embedded, openai:MODEL, openai:MODEL@ADDRESS, anthropic:MODEL."
        ),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="What it writes: respond, evol_instruct, lamini.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="What is trained: a name on the hub, a folder.")
    ] = None,
    preferences: Annotated[
        str | None, typer.Option(help="Pairs to align with: none, sample, hh_rlhf, FILE.jsonl.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; what no flag says is as proposed.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write a first recipe, commented, from five questions or flags."""
    from openbezoar.errors import ConfigError
    from openbezoar.starting.answers import QUESTIONS, Answers
    from openbezoar.starting.writing import write_recipe

    if recipe.exists() and not force:
        raise ConfigError(f"{recipe}: is there already; name another file, or add --force")
    given = {"rows": rows, "teacher": teacher, "scheme": scheme, "base": base,
             "preferences": preferences}  # fmt: skip
    answers = Answers(**{name: answer for name, answer in given.items() if answer is not None})
    for question in QUESTIONS:
        if given[question.name] is None and not yes:
            asked = _ask(question, getattr(answers, question.name))
            answers = answers._replace(**{question.name: asked})
    made = write_recipe(recipe, answers, force)
    print(recipe)
    say(f"{counted(len(made.stages), 'stage')}; what a run would make: bezoar plan {recipe}")


def _ask(question: "Question", proposed: str) -> str:
    """The answer, asked for again until it is one; ConfigError where nobody answers."""
    from openbezoar.errors import ConfigError

    def checked(answer: str) -> str:
        try:
            question.check(answer)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
        return answer

    say(f"\n{question.text}\n  {question.choices}")
    try:
        answer: str = typer.prompt(question.name, default=proposed, value_proc=checked, err=True)
    except typer.Abort as end:
        say("")
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise ConfigError(
            f"{question.name}: nobody answers, nothing is written; answer with --{question.name}, "
            "or let --yes take what is proposed"
        ) from None
    return answer
