"""Pieces of a reply that are taken from its connection, past the reader of its chunks."""

import asyncio
from collections.abc import Callable

import pytest
from tests.contract.upstream_pipes import Pipe, Shelf

from portico.adapters.upstream.connection import Wire
from portico.adapters.upstream.reply import PooledReply
from portico.adapters.upstream.route import Routes
from portico.contract.errors import UpstreamFailed
from portico.contract.snapshot import Network

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def read_past(
    take: Callable[[bytes], bool], *segments: bytes, head: bytes = HEAD, bound: int = 1000
) -> list[bytes]:
    """What the reader of the chunks gets, who waits at each segment."""
    loop = asyncio.get_running_loop()
    network = Network(allow_private=True, max_response_bytes=bound)
    route = await Routes().work_out("http://127.0.0.1:1/v1/x", network)
    wire = Wire(loop)
    wire.connection_made(Pipe())
    wire.home = Shelf()
    reply = PooledReply(wire, route, loop, "new")
    wire.ask(reply, b"HEAD\r\n\r\n", b"{}", loop.time() + 30)
    wire.data_received(head)
    reply.tap(take)
    got: list[bytes] = []

    async def reader() -> None:
        async for chunk in reply.chunks():
            got.append(chunk)

    task = loop.create_task(reader())
    try:
        for segment in segments:
            for _ in range(5):
                await asyncio.sleep(0)
            wire.data_received(segment)
        await task
    finally:
        wire.abort()
    return got


def test_what_is_taken_does_not_reach_the_reader_and_the_end_does() -> None:
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    segments = (framed(b"a"), framed(b"b") + framed(b"c"), framed(b"d") + END)
    assert asyncio.run(read_past(take, *segments)) == [b"d"]
    assert taken == [b"a", b"bc"]


def test_what_is_refused_goes_to_the_reader_in_its_order() -> None:
    segments = (framed(b"a"), framed(b"b"), framed(b"c"), END)
    assert asyncio.run(read_past(lambda piece: piece != b"b", *segments)) == [b"b"]


def test_what_is_taken_counts_toward_the_bound_of_the_body() -> None:
    with pytest.raises(UpstreamFailed, match="bytes"):
        asyncio.run(read_past(lambda _: True, framed(b"a" * 6), framed(b"b" * 6), bound=10))


def test_an_encoded_body_is_not_tapped() -> None:
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    encoded = HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n"
    with pytest.raises(UpstreamFailed):
        asyncio.run(read_past(take, framed(b"not gzip"), END, head=encoded))
    assert taken == []
