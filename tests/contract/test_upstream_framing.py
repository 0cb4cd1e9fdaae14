"""What one connection makes of the bytes that come: framing, ends, bounds, both directions."""

import asyncio
from collections.abc import Iterable, Iterator

import pytest
from tests.contract.upstream_pipes import Pipe, Shelf
from tests.contract.upstream_servers import failure, place

from portico.adapters.upstream.connection import HEAD_BYTES, HELD_BYTES, PIECE, Wire
from portico.adapters.upstream.reply import PooledReply
from portico.adapters.upstream.route import Route, Routes
from portico.contract.snapshot import Network

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\nx-a: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


class Line:
    """A connection, and one request after the other on it."""

    def __init__(self, route: Route) -> None:
        self.loop = asyncio.get_running_loop()
        self.route = route
        self.pipe = Pipe()
        self.shelf = Shelf()
        self.wire = Wire(self.loop)
        self.wire.connection_made(self.pipe)
        self.wire.home = self.shelf
        self.reply = self.ask()

    def ask(self, body: bytes = b"{}") -> PooledReply:
        self.reply = PooledReply(self.wire, self.route, self.loop, "new")
        self.wire.ask(self.reply, b"HEAD\r\n\r\n", body, self.loop.time() + 30)
        return self.reply

    def hear(self, *segments: bytes) -> PooledReply:
        for segment in segments:
            self.wire.data_received(segment)
        return self.reply


def with_line(*segments: bytes) -> tuple[Line, bytes | str]:
    """The line after it heard the segments, and the body or how the reply broke."""

    async def main() -> tuple[Line, bytes | str]:
        line = await opened()
        reply = line.hear(*segments)
        body: bytes | str = reply.broken if reply.broken else await reply.read()
        line.wire.abort()
        return line, body

    return asyncio.run(main())


async def opened() -> Line:
    network = Network(allow_private=True)
    return Line(await Routes().work_out("http://127.0.0.1:1/v1/x", network))


def cuts(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """The data whole, in two at every place, and byte by byte."""
    yield (data,)
    for at in range(1, len(data)):
        yield data[:at], data[at:]
    yield tuple(data[at : at + 1] for at in range(len(data)))


WHOLE: dict[str, tuple[bytes, int, bytes]] = {
    "length": (b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello", 201, b"hello"),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok", 200, b"ok"),
    "chunks": (
        CHUNKED[:-2] + b'x-a:b\r\n\r\n3\r\nabc\r\n00A;q="v"\r\n0123456789\r\n0\r\n\r\n',
        200,
        b"abc0123456789",
    ),
    "trailers": (
        CHUNKED[:-2] + b"x-a: b\r\n\r\n1\r\na\r\n0\r\nX-A: late\r\nx-t: t\r\n\r\n",
        200,
        b"a",
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n", 204, b""),
    "nothing": (b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 0\r\n\r\n", 200, b""),
    "interim": (
        INTERIM + b"HTTP/1.1 200 OK\r\nx-a: b \r\ncontent-length: 1\r\n\r\n!",
        200,
        b"!",
    ),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_reply_is_the_same_however_it_is_cut(case: str) -> None:
    data, status, wanted = WHOLE[case]

    async def main() -> None:
        for segments in cuts(data):
            line = await opened()
            reply = line.hear(*segments)
            assert (reply.status, reply.headers["x-A"], reply.done) == (status, "b", True)
            assert await reply.read() == wanted
            assert (line.shelf.rested, line.pipe.aborted) == (1, False)
            again = line.ask()
            line.hear(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext")
            assert await again.read() == b"next"
            assert dict(again.headers) == {"content-length": "4"}
            line.wire.abort()

    asyncio.run(main())


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding : chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: b\0c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\nx-a: b\n\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"RTSP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
    ],
)
def test_a_head_that_could_be_read_in_two_ways_or_none_is_refused(head: bytes) -> None:
    line, broken = with_line(head + b"2\r\nok\r\n0\r\n\r\n")
    assert (broken, line.pipe.aborted, line.shelf.rested) == ("malformed", True, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"g\r\nabc\r\n",
        b"-1\r\nabc\r\n",
        b"3\nabc\n",
        b"3\r\nabcd\r\n",
        b"3 \r\nabc\r\n",
        b"FFFFFFFFFFFFFFFFF\r\nabc\r\n",
        b"0\r\nfolded: a\r\n b\r\n\r\n",
    ],
)
def test_chunks_that_are_none_break_the_body(body: bytes) -> None:
    async def main() -> None:
        for segments in cuts(body):
            line = await opened()
            reply = line.hear(CHUNKED, *segments)
            assert reply.status == 200
            assert place(await failure(reply.read())) == ("body", "cut")
            assert (line.pipe.aborted, line.shelf.rested) == (True, 0)

    asyncio.run(main())


@pytest.mark.parametrize("more", [b"H", b"whose?", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])
@pytest.mark.parametrize("end", ["", "connection: close\r\n"])
def test_bytes_after_a_reply_do_not_spoil_it_and_end_the_connection(more: bytes, end: str) -> None:
    reply = f"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n{end}\r\nmine".encode()
    line, body = with_line(reply + more)
    assert (body, line.pipe.aborted, line.shelf.rested) == (b"mine", True, 0)


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("HTTP/1.1 200 OK\r\n", True),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        ("HTTP/1.1 200 OK\r\nconnection: x, close\r\n", False),
        ("HTTP/1.0 200 OK\r\n", False),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_where_the_upstream_keeps_it(head: str, kept: bool) -> None:
    line, body = with_line(f"{head}content-length: 2\r\n\r\nok".encode())
    assert (body, line.shelf.rested == 1, line.pipe.aborted) == (b"ok", kept, True)
    assert line.wire.used is kept


@pytest.mark.parametrize(
    ("data", "error", "wanted"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nall", None, b"all"),
        (b"HTTP/1.1 200 OK\r\n\r\n", None, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nall", ConnectionResetError(), None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nall", None, None),
        (CHUNKED + b"3\r\nall\r\n", None, None),
        (CHUNKED + b"3\r\nall\r\n0\r\n", None, None),
    ],
)
def test_an_end_of_the_connection_ends_only_bodies_that_are_framed_by_it(
    data: bytes, error: Exception | None, wanted: bytes | None
) -> None:
    async def main() -> None:
        line = await opened()
        reply = line.hear(data)
        line.wire.connection_lost(error)
        if wanted is None:
            assert place(await failure(reply.read())) == ("body", "cut")
        else:
            assert await reply.read() == wanted
        assert (line.shelf.rested, line.shelf.was_lost) == (0, 1)

    asyncio.run(main())


@pytest.mark.parametrize("data", [b"", b"HTTP", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"])
def test_an_end_within_the_head_is_a_disconnection(data: bytes) -> None:
    async def main() -> None:
        line = await opened()
        if data:
            line.hear(data)
        line.wire.connection_lost(None)
        assert (line.reply.broken, line.wire.heard) == ("disconnected", bool(data))

    asyncio.run(main())


def flood(start: bytes, forever: bytes, size: int) -> Iterable[bytes]:
    yield start
    for _ in range(0, 4 * HEAD_BYTES, size):
        yield forever * (size // len(forever))


@pytest.mark.parametrize("size", [64, 1000, 4 * HEAD_BYTES])
@pytest.mark.parametrize(
    ("start", "forever"),
    [
        (b"HTTP/1.1 200 ", b"K"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"HTTP/1.1 ", b"100 Continue\r\n\r\nHTTP/1.1 "),
    ],
)
def test_a_head_without_an_end_is_refused(start: bytes, forever: bytes, size: int) -> None:
    line, broken = with_line(*flood(start, forever, size))
    assert (broken, line.pipe.aborted) == ("malformed", True)


def test_a_head_over_its_bound_is_refused_though_it_comes_at_once() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: " + b"x" * HEAD_BYTES + b"\r\n\r\n"
    line, broken = with_line(head)
    assert (broken, line.pipe.aborted) == ("malformed", True)


def test_a_head_within_its_bound_is_read() -> None:
    value = b"x" * (HEAD_BYTES - 100)
    line, body = with_line(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: " + value + b"\r\n\r\nok")
    assert (body, line.reply.headers["x"]) == (b"ok", value.decode())


@pytest.mark.parametrize(
    ("start", "forever"), [(b"1;", b"x"), (b"0\r\nx: ", b"x"), (b"0\r\n", b"x: y\r\n")]
)
def test_framing_without_an_end_breaks_the_body(start: bytes, forever: bytes) -> None:
    async def main() -> None:
        line = await opened()
        reply = line.hear(CHUNKED, *flood(start, forever, 1000))
        assert place(await failure(reply.read())) == ("body", "cut")
        assert line.pipe.aborted

    asyncio.run(main())


def test_a_slow_reader_makes_the_upstream_wait_within_a_bound() -> None:
    async def main() -> None:
        line = await opened()
        reply = line.hear(CHUNKED)
        sent = 0
        while line.pipe.reading:
            line.hear(b"400\r\n" + bytes(1024) + b"\r\n")
            sent += 1024
        assert HELD_BYTES < reply.held <= HELD_BYTES + 1024
        chunks = reply.chunks()
        assert len(await anext(chunks)) == sent
        assert line.pipe.reading
        line.hear(b"0\r\n\r\n")
        assert [chunk async for chunk in chunks] == []
        assert line.shelf.rested == 1
        line.wire.abort()

    asyncio.run(main())


def test_a_large_body_is_written_as_the_upstream_takes_it() -> None:
    async def main() -> None:
        line = await opened()
        line.hear(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        line.pipe.written.clear()
        line.wire.pause_writing()
        body = bytes(range(256)) * (PIECE // 100)
        line.ask(body)
        assert line.pipe.written == [b"HEAD\r\n\r\n"]
        line.wire.resume_writing()
        assert b"".join(line.pipe.written[1:]) == body
        assert max(map(len, line.pipe.written)) == PIECE
        line.wire.abort()

    asyncio.run(main())


@pytest.mark.parametrize("buffered", [0, 1])
def test_a_reply_that_overtakes_its_request_is_read_and_ends_the_connection(buffered: int) -> None:
    async def main() -> None:
        line = await opened()
        line.hear(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        if buffered:
            line.pipe.buffered = buffered
            reply = line.ask(b"small")
        else:
            line.wire.pause_writing()
            reply = line.ask(bytes(2 * PIECE))
        line.hear(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        assert (reply.status, await reply.read()) == (413, b"no")
        assert (line.shelf.rested, line.pipe.aborted) == (1, True)

    asyncio.run(main())


def test_a_reply_given_up_is_heard_no_more() -> None:
    async def main() -> None:
        line = await opened()
        reply = line.hear(CHUNKED, b"1\r\na\r\n")
        await reply.close()
        line.hear(b"1\r\nb\r\n0\r\n\r\n")
        assert place(await failure(reply.read())) == ("body", "cut")
        assert (line.shelf.rested, line.shelf.was_lost) == (0, 1)

    asyncio.run(main())


def test_a_reader_who_waits_is_told_that_the_reply_was_closed() -> None:
    async def main() -> None:
        line = await opened()
        reply = line.hear(CHUNKED)
        reading = asyncio.ensure_future(failure(reply.read()))
        await asyncio.wait({reading}, timeout=0)
        await reply.close()
        assert place(await reading) == ("body", "cut")

    asyncio.run(main())
