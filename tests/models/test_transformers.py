"""A tiny random checkpoint that answers and scores in this process."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from openbezoar.errors import ConfigError, ParseError
from openbezoar.families import Request, Sampling, Scorer
from openbezoar.models.checkpoint import Candidate, Checkpoint, Rendered
from openbezoar.models.transformers import Placement, Transformers, load
from openbezoar.records import Completion, Message

Ask = Callable[..., Request]
pytestmark = pytest.mark.slow
QUESTIONS = ("what is the sum ?", "red blue", "one two three ! what is blue ?", "?")


@pytest.fixture(scope="module")
def spec(worded_checkpoint: Path) -> Transformers:
    placement = Placement(device="cpu", batch=3)
    return Transformers(checkpoint=str(worded_checkpoint), dtype="float32", runtime=placement)


@pytest.fixture
def model(spec: Transformers) -> Checkpoint:
    return load(spec)


def likelihoods(model: Checkpoint, text: str) -> tuple[Any, Any]:
    """The tokens of a text, and the log-probabilities after each, without our code."""
    import torch

    ids = model._tokenizer(text, return_tensors="pt").input_ids
    with torch.inference_mode():
        return ids[0], model._model(ids).logits.float().log_softmax(-1)[0]


async def test_answers_in_a_batch_are_those_given_alone(model: Checkpoint, ask: Ask) -> None:
    for temperature in (0.0, 1.0):
        sampling = Sampling(temperature=temperature, max_tokens=12)
        asked = [ask(text, sampling=sampling, seed=n) for n, text in enumerate(QUESTIONS)]
        alone = [await model.complete(request) for request in asked]
        together = await asyncio.gather(*map(model.complete, asked))
        assert together == alone


async def test_draws_differ_by_seed_and_repeat_with_it(model: Checkpoint, ask: Ask) -> None:
    sampling = Sampling(temperature=1.5, top_p=1, max_tokens=12)

    async def drawn(seed: int, attempt: int = 0) -> str:
        return (await model.complete(ask(sampling=sampling, seed=seed, attempt=attempt))).text

    assert await drawn(1) == await drawn(1)
    assert len({await drawn(1), await drawn(2), await drawn(1, attempt=1)}) == 3


async def test_draws_follow_the_models_distribution(model: Checkpoint, ask: Ask) -> None:
    """The first of 400 draws agrees with its probability, four standard errors allowed."""
    sampling = Sampling(temperature=1, top_p=1, max_tokens=1)
    asked = [ask("red", sampling=sampling, seed=seed) for seed in range(400)]
    texts = [done.text for done in await asyncio.gather(*map(model.complete, asked))]
    _, logs = likelihoods(model, "<user> red </s> <assistant>")
    likely = logs[-1].exp()
    word = model._tokenizer.decode([int(likely[5:].argmax()) + 5])
    expected = float(likely[5:].max())
    error = (expected * (1 - expected) / 400) ** 0.5
    assert abs(texts.count(word) / 400 - expected) < 4 * error


async def test_an_answer_says_why_it_ended(model: Checkpoint, ask: Ask) -> None:
    full = await model.complete(ask(sampling=Sampling(temperature=0, max_tokens=6)))
    assert full.finish_reason == "length"
    assert full.tokens_out == 6
    word = full.text.split()[2]
    stopped = await model.complete(
        ask(sampling=Sampling(temperature=0, max_tokens=6, stop=(word,)))
    )
    assert stopped.finish_reason == "stop"
    assert word not in stopped.text
    assert full.text.startswith(stopped.text)


async def test_every_token_of_the_answer_and_its_end_is_scored(model: Checkpoint) -> None:
    asked = (Message(role="user", content="what is blue ?"),)
    scores = await model.log_probabilities(asked, "red red")
    text = "<user> what is blue ? </s> <assistant> red red </s>"
    ids, likely = likelihoods(model, text)
    expected = [float(likely[place - 1, ids[place]]) for place in (-3, -2, -1)]
    assert scores == pytest.approx(expected, abs=1e-5)


async def test_without_messages_the_answer_follows_the_bare_header(model: Checkpoint) -> None:
    scores = await model.log_probabilities((), "blue")
    ids, likely = likelihoods(model, "<assistant> blue </s>")
    expected = [float(likely[0, ids[1]]), float(likely[1, ids[2]])]
    assert scores == pytest.approx(expected, abs=1e-5)


def test_scores_in_a_batch_are_those_given_alone(model: Checkpoint) -> None:
    batch = [Candidate([5, 9, 10], [7, 2]), Candidate([5], [8, 9, 10, 11, 2])]
    for candidate, scores in zip(batch, model._score(batch), strict=True):
        assert scores == pytest.approx(model._score([candidate])[0], abs=1e-4)


async def test_a_prompt_without_room_fails_its_row(model: Checkpoint, ask: Ask) -> None:
    with pytest.raises(ParseError, match=r"too long for the model: .* room for 64"):
        await model.complete(ask("red " * 60))
    with pytest.raises(ParseError, match="too long"):
        await model.log_probabilities((), "red " * 70)


async def test_a_schema_is_not_promised(model: Checkpoint, ask: Ask) -> None:
    with pytest.raises(ConfigError, match="cannot be held to a JSON schema"):
        await model.complete(ask(json_schema={"type": "object"}))


async def test_tokens_are_counted_without_any_added(model: Checkpoint) -> None:
    assert await model.count_tokens("what is the sum ?") == 5


def test_a_tokenizer_without_a_template_is_refused(spec: Transformers, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(spec.checkpoint, folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="base: its tokenizer has no chat template"):
        load(spec.model_copy(update={"checkpoint": str(folder)}))


def test_a_broken_checkpoint_is_refused_in_one_line(spec: Transformers, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(spec.checkpoint, folder)
    (folder / "config.json").write_text('{"model_type": "nonesuch"}')
    with pytest.raises(ConfigError, match="broken: transformers cannot load it") as failure:
        load(spec.model_copy(update={"checkpoint": str(folder)}))
    assert "\n" not in str(failure.value)


async def test_the_spec_opens_a_scorer_under_its_short_name(spec: Transformers, ask: Ask) -> None:
    async with spec.connect() as opened:
        completion: Any = await opened.complete(ask())
        assert isinstance(opened, Scorer)
        assert isinstance(completion, Completion)
        assert completion.model == spec.label == Path(spec.checkpoint).name


async def test_a_streamed_answer_is_the_answer(model: Checkpoint, ask: Ask) -> None:
    request = ask(sampling=Sampling(temperature=1, top_p=1, max_tokens=12), seed=3)
    pieces = [piece async for piece in model.stream(request)]
    whole = await model.complete(request)
    assert "".join(piece.text for piece in pieces) == whole.text
    assert pieces[-1].finish_reason == whole.finish_reason
    assert len(pieces) > 1


def test_writing_stops_when_somebody_asks_for_it(model: Checkpoint, ask: Ask) -> None:
    request, halted = ask(sampling=Sampling(temperature=0, max_tokens=40)), Event()
    work = [Rendered(model._prompt(request.messages), request)]
    assert (model._generate(work, None, halted)[0].tokens_out or 0) > 1
    halted.set()
    assert model._generate(work, None, halted)[0].tokens_out == 1


async def test_a_stream_can_be_left(model: Checkpoint, ask: Ask) -> None:
    stream = model.stream(ask(sampling=Sampling(temperature=0, max_tokens=40)))
    assert (await anext(stream)).finish_reason == ""
    await stream.aclose()  # type: ignore[attr-defined]
    assert (await model.complete(ask())).text


async def test_a_prompt_too_long_to_stream_fails_at_once(model: Checkpoint, ask: Ask) -> None:
    with pytest.raises(ParseError, match="too long for the model"):
        _ = [piece async for piece in model.stream(ask("red " * 80))]
