"""Where keys come from."""

import pytest

from openbezoar.errors import ConfigError
from openbezoar.models.keys import is_loopback, key_for


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8000", True),
        ("https://api.example", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_only_a_server_on_this_machine_can_do_without_a_key(
    monkeypatch: pytest.MonkeyPatch, url: str, near: bool
) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    assert is_loopback(url) == near
    if near:
        assert key_for(url, "A_KEY") == "none"
    else:
        with pytest.raises(ConfigError, match="variable A_KEY is not set"):
            key_for(url, "A_KEY")


def test_a_key_in_the_environment_is_used_wherever_the_server_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_KEY", " secret\n")
    assert key_for("http://127.0.0.1", "A_KEY") == "secret"
    assert key_for("https://api.example", "A_KEY") == "secret"
