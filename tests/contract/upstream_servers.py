"""Raw servers on loopback that do exactly what a test says, byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvloop

from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Network

_LOOPS: tuple[Callable[[], asyncio.AbstractEventLoop], ...] = (
    asyncio.new_event_loop,
    uvloop.new_event_loop,
)


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    """Runs a test's body on asyncio's own loop and on the one that serves."""
    for make in _LOOPS:
        with asyncio.Runner(loop_factory=make) as runner:
            runner.run(asyncio.wait_for(main(), 30))


async def never() -> None:
    await asyncio.Event().wait()


async def failure(work: Coroutine[object, object, object]) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as caught:
        await work
    return caught.value


def place(error: UpstreamFailed) -> tuple[str, str]:
    return error.detail["stage"], error.detail["kind"]


@dataclass
class Exchange:
    """One request as it came, and the connection to answer it on."""

    head: str
    body: bytes
    connection: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""

    def reply(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        self.writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def begin(self, *headers: str, status: str = "200 OK") -> None:
        head = [f"HTTP/1.1 {status}", "transfer-encoding: chunked", *headers]
        self.writer.write("\r\n".join(head).encode() + b"\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")

    def cut(self) -> None:
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Waits until the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass


Play = Callable[[Exchange], Awaitable[None]]


async def ok(exchange: Exchange) -> None:
    exchange.reply(b"ok")


async def cut(exchange: Exchange) -> None:
    """Closes without a byte, as a server whose idle time is over just when a request comes."""
    exchange.cut()


@dataclass
class RawServer:
    """Plays one play for each request, in the order of their arrival; then `ok`."""

    plays: list[Play]
    port: int = 0
    connections: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    dropped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/x"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while True:
                exchange = await _read(reader, writer, number)
                self.exchanges.append(exchange)
                place = len(self.exchanges) - 1
                await (self.plays[place] if place < len(self.plays) else ok)(exchange)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.dropped.set()
            writer.close()


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
    exchange = Exchange(head, b"", number, reader, writer)
    exchange.body = await reader.readexactly(int(exchange.header("content-length") or 0))
    return exchange


@asynccontextmanager
async def serving(*plays: Play, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    raw = RawServer(list(plays))
    server = await asyncio.start_server(raw.handle, "127.0.0.1", 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()


def post(url: str, body: bytes = b"{}", network: Network | None = None) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=url,
        headers=(("content-type", "application/json"), ("x-test", "yes")),
        body=body,
        network=network or Network(allow_private=True),
    )


def get(url: str, network: Network | None = None) -> UpstreamRequest:
    return UpstreamRequest(
        method="GET",
        url=url,
        headers=(),
        body=b"",
        network=network or Network(allow_private=True),
    )
