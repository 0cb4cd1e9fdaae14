"""Bodies of replies: content codings that nobody asked for, bounds, framing."""

import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest
from tests.contract.upstream_servers import Exchange, failure, place, post, run, serving

from portico.adapters.upstream import HttpUpstream
from portico.adapters.upstream.decoding import Garbled, Inflater
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamReply
from portico.contract.snapshot import Network

TEXT = b'{"content": "' + bytes(range(32, 127)) * 40 + b'"}'


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def in_two_members(data: bytes) -> bytes:
    return gzip.compress(data[:100]) + gzip.compress(data[100:])


async def whole(reply: UpstreamReply) -> bytes:
    return await reply.read()


async def in_chunks(reply: UpstreamReply) -> bytes:
    return b"".join([chunk async for chunk in reply.chunks()])


READS = pytest.mark.parametrize("read", [whole, in_chunks])
Read = Callable[[UpstreamReply], Awaitable[bytes]]


async def read_coded(coding: str, body: bytes, read: Read, bound: int = 1 << 26) -> bytes:
    async def coded(exchange: Exchange) -> None:
        exchange.begin(f"content-encoding: {coding}")
        for start in range(0, len(body), 700):
            exchange.chunk(body[start : start + 700])
        exchange.end()

    async with serving(coded) as server:
        upstream = HttpUpstream()
        try:
            network = Network(allow_private=True, max_response_bytes=bound)
            result = await read(await upstream.send(post(server.url, network=network)))
            assert isinstance(result, bytes)
            return result
        finally:
            await upstream.close()


@READS
@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", in_two_members),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
def test_a_coding_that_nobody_asked_for_is_undone(
    coding: str, encode: Callable[[bytes], bytes], read: Read
) -> None:
    async def main() -> None:
        assert await read_coded(coding, encode(TEXT), read) == TEXT

    run(main)


@READS
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "compress"])
def test_another_coding_is_refused(coding: str, read: Read) -> None:
    async def main() -> None:
        error = await failure(read_coded(coding, b"whatever", read))
        assert place(error) == ("body", "encoding")

    run(main)


@READS
@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
def test_a_bomb_is_refused(encode: Callable[[bytes], bytes], read: Read) -> None:
    async def main() -> None:
        coding = "gzip" if encode is gzip.compress else "deflate"
        error = await failure(read_coded(coding, encode(bytes(32 << 20)), read))
        assert place(error) == ("body", "bomb")

    run(main)


@READS
def test_what_inflates_over_the_bound_is_refused(read: Read) -> None:
    async def main() -> None:
        body = gzip.compress(b"0123456789" * 5000)
        error = await failure(read_coded("gzip", body, read, bound=40_000))
        assert place(error) == ("body", "too_large")

    run(main)


@READS
@pytest.mark.parametrize(
    "body", [gzip.compress(TEXT)[:-10], gzip.compress(TEXT) + b"more", b"not gzip at all"]
)
def test_a_damaged_coding_is_a_failure(body: bytes, read: Read) -> None:
    async def main() -> None:
        assert place(await failure(read_coded("gzip", body, read))) == ("body", "garbled")

    run(main)


def test_an_inflater_gives_bounded_pieces_for_every_way_of_cutting() -> None:
    data = b"0123456789abcdef" * 40_000
    packed = gzip.compress(data)
    for step in (1, 7, 1000, len(packed)):
        inflater = Inflater("gzip")
        pieces = [
            piece
            for start in range(0, len(packed), step)
            for piece in inflater.feed(packed[start : start + step])
        ]
        inflater.close()
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= 64 * 1024


def test_an_inflater_that_ends_early_says_so() -> None:
    inflater = Inflater("deflate")
    assert list(inflater.feed(zlib.compress(TEXT)[:5])) == []
    with pytest.raises(Garbled):
        inflater.close()


@READS
def test_a_body_shorter_than_announced_is_a_failure(read: Read) -> None:
    async def main() -> None:
        async def short(exchange: Exchange) -> None:
            exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            exchange.writer.close()

        async with serving(short) as server:
            upstream = HttpUpstream()
            with pytest.raises(UpstreamFailed) as caught:
                await read(await upstream.send(post(server.url)))
            assert place(caught.value) == ("body", "cut")
            await upstream.close()

    run(main)


@READS
def test_a_body_that_ends_with_its_connection_is_read(read: Read) -> None:
    async def main() -> None:
        async def until_close(exchange: Exchange) -> None:
            exchange.writer.write(b"HTTP/1.0 200 OK\r\n\r\nall of it")
            exchange.writer.close()

        async with serving(until_close) as server:
            upstream = HttpUpstream()
            result = await read(await upstream.send(post(server.url)))
            assert result == b"all of it"
            await upstream.close()

    run(main)


@READS
def test_a_large_body_is_read_whole(read: Read) -> None:
    async def main() -> None:
        body = bytes(range(256)) * 20_000

        async def large(exchange: Exchange) -> None:
            exchange.reply(body)
            await exchange.writer.drain()

        async with serving(large) as server:
            upstream = HttpUpstream()
            result = await read(await upstream.send(post(server.url)))
            assert result == body
            assert (await upstream.send(post(server.url))).connection == "reused"
            await upstream.close()

    run(main)


def test_an_early_reply_to_a_large_request_is_a_reply() -> None:
    async def main() -> None:
        async def refuse(exchange: Exchange) -> None:
            exchange.reply(b"too much", status="413 Content Too Large")

        async with serving(refuse) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(server.url, bytes(4 << 20)))
            assert (reply.status, await reply.read()) == (413, b"too much")
            await upstream.close()

    run(main)


def test_interim_replies_are_passed_over() -> None:
    async def main() -> None:
        async def hints(exchange: Exchange) -> None:
            exchange.writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
            exchange.reply(b"final")

        async with serving(hints) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(server.url))
            assert (reply.status, await reply.read()) == (200, b"final")
            await upstream.close()

    run(main)
