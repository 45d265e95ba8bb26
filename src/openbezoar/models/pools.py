"""Connections to one server in many small pools: a pool is searched whole for every request."""

from itertools import cycle

import httpx2

__all__ = ["EACH", "Pools"]

EACH = 8
"""Requests at a time in a pool; in one pool of 256 the search alone takes milliseconds."""


class Pools(httpx2.AsyncBaseTransport):
    """A transport for many requests at a time, which go from pool to pool in turn."""

    def __init__(self, many: int, trust_env: bool) -> None:
        # Read once: the certificates of each pool of its own would take most of a second.
        certificates = httpx2.create_ssl_context(trust_env=trust_env)
        limits = httpx2.Limits(max_keepalive_connections=2 * EACH)
        self._pools = [
            httpx2.AsyncHTTPTransport(verify=certificates, limits=limits, trust_env=trust_env)
            for _ in range(-(-many // EACH))
        ]
        self._turns = cycle(self._pools)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Hand the request to the next pool."""
        return await next(self._turns).handle_async_request(request)

    async def aclose(self) -> None:
        """Close every pool."""
        for pool in self._pools:
            await pool.aclose()
