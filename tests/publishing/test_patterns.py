"""Secrets and traces of people are found, and what only resembles them is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.publishing.patterns import KINDS, Match, matches

B64 = "Ab3dEf6hIj" * 6


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("private key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----"),
        ("access token", f"hf_{B64[:34]}"),
        ("access token", f"ghp_{B64[:36]}"),
        ("access token", f"eyJ{B64[:20]}.eyJ{B64[:20]}.{B64[:20]}"),
        ("API key", f"sk-{B64[:48]}"),
        ("API key", f"sk-ant-api03-{B64[:40]}"),
        ("API key", "AKIAIOSFODNN7EXAMPLE"),
        ("password or key", "password: hunter2hunter2"),
        ("password or key", 'API_KEY="a1b2c3d4e5f6a7b8'),
        ("address with a password", "postgres://admin:hunter2@"),
        ("e-mail address", "jane.roe+news@mail.house.org"),
        ("IP address", "8.8.4.4"),
        ("IP address", "2606:4700:4700::1111"),
        ("card number", "4111 1111 1111 1111"),
        ("card number", "378282246310005"),
        ("phone number", "+49 30 1234 5678"),
        ("phone number", "(215) 204-3120"),
    ],
)
def test_a_secret_or_a_trace_is_found_within_a_sentence(kind: str, value: str) -> None:
    assert [*matches(f"Say {value} and no more.")] == [Match(kind, value)]


@pytest.mark.parametrize("before", ["\n", "\\n", "\\\\n", "\\t", '"'])
@pytest.mark.parametrize("value", [f"hf_{B64[:34]}", "jane.roe@mailhouse.org", "8.8.4.4"])
def test_an_end_of_line_as_json_writes_it_hides_nothing(before: str, value: str) -> None:
    assert [found.value for found in matches(f"a{before}{value}\\nb")] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "mail jane@example.org, root@localhost or me@box.test",
        "ping 127.0.0.1, 192.168.0.7, 203.0.113.5, ::1 or 2001:db8::1",
        "in 1.2.3 of 12:30:45 on 2024-01-15, 999.999.999.999",
        "4111 1111 1111 1112 fails Luhn, and so does 1234567890123456",
        "3.14159265358979323846 and 10000000000000000",
        "call 555-0123, (512) 555-0199 or 000-000-0000",
        "the password is secret: everybody forgot it",
        "a key: value pair, and token = next(tokens)",
        "https://docs.python.org:443/library and 1-2-3-4-5-6-7-8-9",
        "sk-learn, hf_hub_download and Asia",
    ],
)
def test_what_only_resembles_one_is_left_alone(text: str) -> None:
    assert [*matches(text)] == []


def test_a_value_is_masked() -> None:
    found = Match("API key", f"sk-{B64}")
    assert found.masked == "sk… (63 characters)"


@given(st.text())
def test_no_text_is_too_strange_to_be_searched(text: str) -> None:
    assert {found.kind for found in matches(text)} <= KINDS


@pytest.mark.parametrize(
    "part", ["secret=", "eyJ-", "a.", "1 ", "1:", "sk-", "@a.", "-----BEGIN A ", "+1-", "a://b:"]
)
def test_a_long_hostile_text_is_searched_to_its_end(part: str) -> None:
    text = part * (200_000 // len(part)) + " 8.8.4.4"
    assert [*matches(text)][-1] == Match("IP address", "8.8.4.4")
