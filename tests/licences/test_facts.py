"""The table of licences and providers: what is found in it, and that every line names a page."""

import pytest
from packaging.licenses import canonicalize_license_expression

from openbezoar.licences.facts import Provider, clashes, licence_of, provider_of
from openbezoar.licences.facts import _facts as facts


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Apache-2.0", "Apache-2.0"),
        (" apache-2.0\n", "Apache-2.0"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("odbl", "ODbL-1.0"),
        ("llama2", "LicenseRef-Llama-2"),
        ("licenseref-gemma", "LicenseRef-Gemma"),
        ("bsd", None),
        ("other", None),
        ("unknown", None),
        ("", None),
        ("MIT OR Apache-2.0", None),
        ("free for all my friends", None),
        ("LicenseRef-source-terms", None),
    ],
)
def test_a_licence_is_known_by_the_words_of_spdx_and_of_the_hub(
    text: str, identifier: str | None
) -> None:
    found = licence_of(text)
    assert (found.identifier if found else None) == identifier


def test_every_identifier_is_one_of_spdx_or_a_reference() -> None:
    for name, licence in facts().licences.items():
        assert canonicalize_license_expression(name) == name
        assert {*licence.becomes} <= facts().licences.keys()


def test_every_line_names_the_page_that_says_so() -> None:
    lines = [*facts().licences.values(), *clashes(), *facts().providers]
    assert all(line.source.startswith("https://") for line in lines)


@pytest.mark.parametrize(
    ("identifier", "word"),
    [("MIT", "mit"), ("ODC-By-1.0", "odc-by"), ("CC-BY-SA-2.0", None), ("nothing", None)],
)
def test_the_hub_has_words_of_its_own(identifier: str, word: str | None) -> None:
    found = licence_of(identifier)
    assert (found.hub if found else None) == word


LOOPBACK, STRANGER = "http://127.0.0.1:4000/v1", "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("model", "address", "name"),
    [
        ("anything", "https://api.openai.com/v1", "OpenAI"),
        ("gpt-4o", LOOPBACK, "OpenAI"),
        ("ft:gpt-3.5-turbo:me", STRANGER, "OpenAI"),
        ("o1-mini", STRANGER, "OpenAI"),
        ("claude-sonnet-5", STRANGER, "Anthropic"),
        ("m", "https://api.anthropic.com", "Anthropic"),
        ("google/gemini-3-pro", STRANGER, "Google"),
        ("openai/gpt-oss-20b", LOOPBACK, None),
        ("gpt-j-6b", LOOPBACK, None),
        ("gpt-neo-125m", LOOPBACK, None),
        ("gpt2", LOOPBACK, None),
        ("olmo-7b", STRANGER, None),
        ("m", "https://api.openai.com.evil.example/v1", None),
        ("", "not an address", None),
    ],
)
def test_a_provider_is_told_by_address_or_by_the_model(
    model: str, address: str, name: str | None
) -> None:
    found: Provider | None = provider_of(model, address)
    assert (found.name if found else None) == name
