"""Says which libraries a filter needs and does not find."""

from importlib.util import find_spec

from openbezoar.errors import ConfigError

__all__ = ["expect_installed"]


def expect_installed(kind: str, *libraries: str) -> None:
    """Raise ConfigError, with the install line, unless every library is there."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{kind} needs {' and '.join(missing)}: run `pip install 'openbezoar[filters]'`"
        )
