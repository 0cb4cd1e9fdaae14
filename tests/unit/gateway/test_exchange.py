"""One HTTP request and its answer, over a transport that only remembers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from portico.gateway.exchange import Exchange

START = {"type": "http.response.start", "status": 200, "headers": []}


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


Application = Callable[[Any, Any, Any], Awaitable[None]]


def served(
    app: Application, *, method: str = "POST", prepare: Callable[[Exchange], None] | None = None
) -> tuple[Wire, int]:
    """What was written, and how often the answer was said to be complete."""
    wire = Wire()
    ends: list[int] = []

    async def main() -> None:
        scope = {"method": method, "path": "/"}
        exchange = Exchange(scope, wire, FlowControl(wire), lambda: ends.append(1))
        if prepare is not None:
            prepare(exchange)
        await exchange.run(app)

    asyncio.run(main())
    return wire, len(ends)


def answer(*pieces: bytes, **head: Any) -> Application:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, **head})
        for number, piece in enumerate(pieces):
            more = number + 1 < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    return app


def length(size: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", b"%d" % size)]


def test_an_answer_of_known_length_leaves_in_one_write() -> None:
    wire, ends = served(answer(b"hello", headers=length(5)))
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"]
    assert (ends, wire.closed) == (1, False)


def test_an_answer_of_unknown_length_is_sent_in_chunks() -> None:
    wire, ends = served(answer(b"a" * 16, b"", b"end"))
    assert wire.writes == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"10\r\n" + b"a" * 16 + b"\r\n",
        b"3\r\nend\r\n0\r\n\r\n",
    ]
    assert ends == 1


def test_an_answer_to_head_has_no_body() -> None:
    wire, ends = served(answer(b"hello", headers=length(5)), method="HEAD")
    assert b"".join(wire.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
    assert ends == 1


def test_a_connection_that_is_not_kept_says_so_and_closes() -> None:
    def once(exchange: Exchange) -> None:
        exchange.keep_alive = False

    wire, _ = served(answer(b"x", headers=length(1)), prepare=once)
    assert b"connection: close\r\n" in wire.writes[0]
    assert wire.closed


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x", b"a\x00", b"a\x7f"])
def test_a_header_with_a_control_character_never_leaves(value: bytes) -> None:
    wire, _ = served(answer(b"x", headers=[(b"x-name", value)]))
    assert wire.writes[0].startswith(b"HTTP/1.1 500 ")
    assert b"x-name" not in wire.writes[0]
    assert wire.closed


@pytest.mark.parametrize("size", [4, 6])
def test_an_answer_that_is_not_as_long_as_its_head_says_ends_its_connection(size: int) -> None:
    wire, ends = served(answer(b"hello", headers=length(size)))
    assert (wire.closed, ends) == (True, 0)


def test_an_application_that_fails_before_its_answer_is_a_readable_500() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("secret")

    wire, ends = served(app)
    assert wire.writes[0].startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"secret" not in wire.writes[0]
    assert (ends, wire.closed) == (1, True)


def test_half_an_answer_ends_its_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    wire, ends = served(app)
    assert (wire.closed, ends) == (True, 0)


def test_a_body_that_is_there_is_handed_over_at_once_and_a_lost_caller_is_told_of() -> None:
    async def main() -> None:
        wire = Wire()
        exchange = Exchange({"method": "POST", "path": "/"}, wire, FlowControl(wire), lambda: None)
        exchange.wants_continue = True
        exchange.body, exchange.more_body = b"all", False
        exchange.wake()
        expected = {"type": "http.request", "body": b"all", "more_body": False}
        assert await exchange.receive() == expected
        assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
        waiting = asyncio.ensure_future(exchange.receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        exchange.disconnected = True
        exchange.wake()
        assert await waiting == {"type": "http.disconnect"}
        await exchange.send(START)
        assert len(wire.writes) == 1

    asyncio.run(main())
