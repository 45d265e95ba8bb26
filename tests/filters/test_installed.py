"""A filter whose libraries are missing says which, and how to install them."""

import pytest

from openbezoar.errors import ConfigError
from openbezoar.filters.installed import expect_installed


def test_every_library_that_is_missing_is_named() -> None:
    line = r"^mine needs no_such and nor_this: run `pip install 'openbezoar\[filters\]'`$"
    with pytest.raises(ConfigError, match=line):
        expect_installed("mine", "json", "no_such", "nor_this")


def test_libraries_that_are_there_are_fine() -> None:
    expect_installed("mine", "json", "pathlib")
