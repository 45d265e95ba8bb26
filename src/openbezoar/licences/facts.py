"""The table of licences and of providers' terms, and how to look something up in it."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import BaseModel, ConfigDict

__all__ = [
    "Clash",
    "Licence",
    "Provider",
    "clashes",
    "licence_of",
    "provider_named",
    "provider_of",
]


class Fact(BaseModel):
    """A line of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The page that says so."""


class Licence(Fact):
    """What a licence asks of whoever passes a work on."""

    identifier: str
    hub: str | None
    attribution: bool = False
    share_alike: bool = False
    non_commercial: bool = False
    no_derivatives: bool = False
    becomes: tuple[str, ...] = ()
    answers: Literal["", "bind models", "train nothing"] = ""

    @property
    def fits(self) -> tuple[str, ...]:
        """The licences under which an adaptation of a share-alike work can be."""
        return (self.identifier, *self.becomes)

    @property
    def is_free(self) -> bool:
        """Whether an adaptation can be under any licence, once the authors are named."""
        return not (self.share_alike or self.non_commercial or self.no_derivatives)


class Clash(Fact):
    """A share-alike licence and another whose works no adaptation under it can hold."""

    of: frozenset[str]


class Provider(Fact):
    """Somebody who sells answers of models."""

    name: str
    hosts: tuple[str, ...]
    models: str
    competing_models: Literal["forbidden"]
    seen: object
    """The day on which the terms were looked up."""


def licence_of(text: str) -> Licence | None:
    """The licence that a text names, by SPDX's word or the hub's, whatever its case; else None."""
    try:
        identifier = str(canonicalize_license_expression(text.strip()))
    except InvalidLicenseExpression:
        identifier = text.strip()
    licences = _facts().licences
    return licences.get(_facts().words.get(identifier.lower(), identifier))


def clashes() -> tuple[Clash, ...]:
    """Every pair that is known to clash."""
    return _facts().clashes


def provider_of(model: str, address: str) -> Provider | None:
    """Who sells the answers of a model of this name, asked at this address."""
    host = urlsplit(address).hostname or ""
    for provider in _facts().providers:
        if host in provider.hosts or re.match(provider.models, model, re.IGNORECASE):
            return provider
    return None


def provider_named(name: str) -> Provider | None:
    """The provider of this name."""
    return next((one for one in _facts().providers if one.name == name), None)


class _Facts(NamedTuple):
    licences: dict[str, Licence]
    words: dict[str, str]
    """Every other word for a licence, in lower case, and its identifier."""
    clashes: tuple[Clash, ...]
    providers: tuple[Provider, ...]


@cache
def _facts() -> _Facts:
    table = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    page = "https://spdx.org/licenses/{}.html"
    licences = {
        name: Licence(**{"hub": name.lower(), "source": page.format(name)} | facts, identifier=name)
        for name, facts in table["licences"].items()
    }
    words = {name.lower(): name for name in licences}
    words |= {name.lower(): other for name, other in table["also"].items()}
    for name, licence in licences.items():
        words.setdefault(licence.hub or name.lower(), name)
    return _Facts(
        licences,
        words,
        tuple(Clash.model_validate(clash) for clash in table["clashes"]),
        tuple(Provider(name=name, **facts) for name, facts in table["providers"].items()),
    )
