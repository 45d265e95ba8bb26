"""How a checkpoint's next tokens are drawn, and where stop strings end an answer."""

from collections.abc import Sequence
from threading import Event
from typing import Any

from openbezoar.families import Request

__all__ = ["drawing", "halting", "stopping"]


def drawing(requests: Sequence[Request], device: Any) -> Any:
    """The steps that turn scores into a draw, for requests with the same sampling settings."""
    from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

    sampling = requests[0].sampling
    if sampling.temperature == 0:
        return LogitsProcessorList()
    steps = LogitsProcessorList([TemperatureLogitsWarper(float(sampling.temperature))])
    if sampling.top_p < 1:
        steps.append(TopPLogitsWarper(sampling.top_p))
    seeds = [(request.seed + 7919 * request.attempt) % 2**31 for request in requests]
    steps.append(_Draw(seeds, device))
    return steps


def stopping(stops: Sequence[str], tokenizer: Any, start: int) -> Any:
    """The test that ends a row at a stop string; `start` is where answers begin."""
    from transformers import StoppingCriteriaList

    return StoppingCriteriaList([_Stop(stops, tokenizer, start)] if stops else [])


def halting(halted: Event) -> Any:
    """The test that ends every row once somebody has asked for it."""
    return _Halt(halted)


class _Halt:
    """Ends all rows when the event is set."""

    def __init__(self, halted: Event) -> None:
        self._halted = halted

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        return torch.full((len(input_ids),), self._halted.is_set(), device=input_ids.device)


class _Draw:
    """Turns the greedy choice into a draw: Gumbel noise on each row from the row's own stream."""

    def __init__(self, seeds: Sequence[int], device: Any) -> None:
        import torch

        self._streams = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        noise = torch.empty_like(scores, dtype=torch.float32)
        for row, stream in zip(noise, self._streams, strict=True):
            row.exponential_(generator=stream)
        return scores.float() - noise.log()


class _Stop:
    """Ends each row at its first stop string."""

    def __init__(self, stops: Sequence[str], tokenizer: Any, start: int) -> None:
        self._stops = stops
        self._tokenizer = tokenizer
        self._start = start
        self._reach = max(map(len, stops)) + 8

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        ends = self._tokenizer.batch_decode(input_ids[:, self._start :][:, -self._reach :])
        met = [any(stop in end for stop in self._stops) for end in ends]
        return torch.tensor(met, device=input_ids.device)
