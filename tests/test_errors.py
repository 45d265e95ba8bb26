"""Errors reach the user as one line and survive the way between processes."""

import pickle

import pytest

from openbezoar import errors
from openbezoar.errors import OpenBezoarError, ParseError

LEAVES = [
    (errors.ConfigError, ValueError),
    (errors.DataError, ValueError),
    (errors.ParseError, ValueError),
    (errors.BudgetReached, RuntimeError),
    (errors.ModelError, RuntimeError),
    (errors.StoreError, RuntimeError),
    (errors.PublishError, RuntimeError),
    (errors.MissingExtra, ImportError),
]


@pytest.mark.parametrize(("leaf", "standard"), LEAVES)
def test_every_error_refines_a_standard_one(
    leaf: type[OpenBezoarError], standard: type[Exception]
) -> None:
    assert issubclass(leaf, standard)
    assert issubclass(leaf, OpenBezoarError)


@pytest.mark.parametrize("leaf", [leaf for leaf, _ in LEAVES])
def test_every_error_survives_pickling(leaf: type[OpenBezoarError]) -> None:
    error = leaf("what, where, the fix")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is leaf
    assert str(again) == str(error) == "what, where, the fix"


def test_a_parse_error_keeps_its_reason_apart_from_its_detail() -> None:
    error = pickle.loads(pickle.dumps(ParseError("empty", "the reply was blank")))  # noqa: S301
    assert (error.reason, error.detail) == ("empty", "the reply was blank")
    assert str(error) == "empty: the reply was blank"


def test_the_tree_in_the_docstring_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    assert [name for name in errors.__all__ if name not in drawn] == []
