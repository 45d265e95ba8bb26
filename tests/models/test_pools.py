"""Requests go from pool to pool in turn, over connections that are used again."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest

from openbezoar.models.pools import EACH, Pools
from tests.faults.server import Reply, listening


@pytest.fixture
def address() -> Iterator[str]:
    with listening(lambda body: Reply(b"{}", delay=0.05)) as address:
        yield address


async def test_connections_are_used_again_from_round_to_round(address: str) -> None:
    ends = set()
    async with httpx2.AsyncClient(transport=Pools(2 * EACH, trust_env=False)) as client:
        for _ in range(3):
            asked = (client.post(address, json={}) for _ in range(2 * EACH))
            for reply in await asyncio.gather(*asked):
                stream = reply.extensions["network_stream"]
                ends.add(stream.get_extra_info("client_addr"))
    assert len(ends) == 2 * EACH


async def test_more_requests_than_foreseen_go_through_all_the_same(address: str) -> None:
    async with httpx2.AsyncClient(transport=Pools(1, trust_env=False)) as client:
        asked = (client.post(address, json={}) for _ in range(3 * EACH))
        assert {reply.status_code for reply in await asyncio.gather(*asked)} == {200}
