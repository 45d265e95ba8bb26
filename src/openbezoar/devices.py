"""The device that a model computes on: how a recipe names one, and whether this machine has it."""

import importlib.util
import re
from typing import Annotated

from pydantic import AfterValidator

from openbezoar.errors import ConfigError

__all__ = ["Device", "check_device", "has_device"]

NAME = re.compile(r"auto|cpu|(cuda|mps|xpu)(:[0-9]+)?")


def has_device(name: str) -> bool:
    """Whether this machine has it, as far as torch can tell; where torch is missing nobody can."""
    # To ask torch takes seconds: every machine has a processor, which is what `auto` falls back on.
    if name in ("auto", "cpu") or importlib.util.find_spec("torch") is None:
        return True
    import torch

    kind, _, number = name.partition(":")
    count: int = getattr(torch, kind).device_count()
    return int(number or 0) < count


def check_device(name: str) -> None:
    """Raise ConfigError when this machine lacks it."""
    if not has_device(name):
        raise ConfigError(
            f"device: torch finds no {name} on this machine; write auto for the fastest there is"
        )


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no device; write auto, cpu, cuda, cuda:1, mps or xpu")
    return name


Device = Annotated[str, AfterValidator(_named)]
"""A device by torch's name for it, or `auto`."""
