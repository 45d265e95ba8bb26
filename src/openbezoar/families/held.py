"""What a name of the recipe holds, and whether that is what is wanted."""

from collections.abc import Mapping

from openbezoar.errors import ConfigError

PREFERENCES = ("preferences", "preferences data set")
"""What a stage of preference pairs makes."""


def expect(name: str, kinds: Mapping[str, str], *wanted: str) -> str:
    """What the name holds, when that is among the wanted; ConfigError otherwise."""
    held = kinds[name]
    if held not in wanted:
        raise ConfigError(f"reads {name!r}, which holds {held}; it needs {' or '.join(wanted)}")
    return held
