"""Keys of servers: found in the environment, needed anywhere but on this machine."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

from openbezoar.errors import ConfigError

__all__ = ["is_loopback", "key_for"]


def key_for(url: str, variable: str) -> str:
    """The key in the environment variable; a server on this machine can do without."""
    key = os.environ.get(variable, "").strip()
    if key:
        return key
    if is_loopback(url):
        return "none"
    raise ConfigError(
        f"the environment variable {variable} is not set; put the key for {url} there"
    )


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
