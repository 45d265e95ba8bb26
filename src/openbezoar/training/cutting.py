"""Cuts pairs to a limit: prompts at a turn from the left, answers from the right."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from openbezoar.errors import ParseError
from openbezoar.records import Preference
from openbezoar.training.format import Encoded, Format

__all__ = ["Cut", "cut", "encode_pair"]


class Cut(NamedTuple):
    """One prompt and the answers to it, as token ids that fit."""

    prompt: list[int]
    answers: list[list[int]]
    prompt_was_cut: bool
    answers_cut: tuple[bool, ...]


def cut(
    prompts: Iterable[list[int]],
    answers: Sequence[list[int]],
    limit: int,
    prompt_limit: int,
) -> Cut:
    """The same prompt for all answers, each of which fits behind it within `limit` tokens.

    `prompts` are ever shorter ones, whole exchanges left out from the left. Nothing is cut that
    fits. Otherwise the first prompt is taken with which everything fits, or that has at most
    `prompt_limit` tokens; then the answers lose what is too much on the right, their EOS with it:
    a model must not learn to stop there. ParseError when even the last question is too long.
    """
    longest = max(map(len, answers))
    for exchanges_left_out, prompt in enumerate(prompts):
        if len(prompt) + longest <= limit or len(prompt) <= prompt_limit:
            room = limit - len(prompt)
            return Cut(
                prompt,
                [answer[:room] for answer in answers],
                exchanges_left_out > 0,
                tuple(len(answer) > room for answer in answers),
            )
    raise ParseError(f"prompt alone longer than {prompt_limit} tokens")


def encode_pair(
    row: Preference, format_: Format, limit: int, prompt_limit: int | None = None
) -> tuple[Encoded, Encoded]:
    """The chosen and the rejected sequence of a pair, which begin with the same prompt.

    A prompt may have `prompt_limit` tokens when something must be cut, half of `limit` where that
    is not given. ParseError when the answers are then the same tokens, so that nothing is learned.
    """
    answers = [format_.response(row.chosen), format_.response(row.rejected)]
    most = min(limit - 1, limit // 2 if prompt_limit is None else prompt_limit)
    found = cut(format_.prompts(row.prompt), answers, limit, most)
    chosen, rejected = (
        Encoded(
            found.prompt + answer,
            [False] * len(found.prompt) + [True] * len(answer),
            ("prompt",) * found.prompt_was_cut + ("answer",) * was_cut,
        )
        for answer, was_cut in zip(found.answers, found.answers_cut, strict=True)
    )
    if chosen.ids == rejected.ids:
        cut_ = " after cutting" if any(found.answers_cut) else ""
        raise ParseError(f"answers are the same tokens{cut_}")
    return chosen, rejected
