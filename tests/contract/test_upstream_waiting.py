"""Places in the pool: who waits, in which order, until when."""

import asyncio

import pytest
from tests.contract.upstream_servers import (
    Exchange,
    RawServer,
    cut,
    failure,
    ok,
    place,
    post,
    run,
    serving,
)

from portico.adapters.upstream import HttpUpstream, Limits
from portico.adapters.upstream.connection import HELD_BYTES

SEGMENT = 256 * 1024
"""The most that either loop hands over at once."""


class Gate:
    """A play that replies when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.asked.set()
        await self.open.wait()
        await ok(exchange)


async def settled() -> None:
    """Everything that can run has run; nothing here waits for a socket."""
    for _ in range(10):
        await asyncio.sleep(0)


async def fetch(upstream: HttpUpstream, server: RawServer, name: str = "") -> str:
    body = name.encode() or b"{}"
    reply = await upstream.send(post(server.url, body))
    await reply.read()
    return reply.connection


def test_whoever_waits_is_served_in_the_order_of_coming() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as server:
            upstream = HttpUpstream(Limits(connections=1))
            names = ["first", "second", "third", "fourth"]
            asking = []
            for name in names:
                asking.append(asyncio.ensure_future(fetch(upstream, server, name)))
                await settled()
            await gate.asked.wait()
            gate.open.set()
            said = await asyncio.gather(*asking)
            assert said == ["new", "reused", "reused", "reused"]
            assert [exchange.body.decode() for exchange in server.exchanges] == names
            assert server.connections == 1
            await upstream.close()

    run(main)


def test_whoever_leaves_the_queue_takes_no_place_with_him() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as server:
            upstream = HttpUpstream(Limits(connections=1))
            first = asyncio.ensure_future(fetch(upstream, server, "first"))
            await gate.asked.wait()
            second = asyncio.ensure_future(fetch(upstream, server, "second"))
            third = asyncio.ensure_future(fetch(upstream, server, "third"))
            await settled()
            second.cancel()
            await asyncio.wait([second])
            gate.open.set()
            await asyncio.gather(first, third)
            assert [exchange.body for exchange in server.exchanges] == [b"first", b"third"]
            assert server.connections == 1
            await upstream.close()

    run(main)


def test_a_place_given_to_one_who_leaves_just_then_goes_to_the_next() -> None:
    async def main() -> None:
        async def hold(exchange: Exchange) -> None:
            exchange.begin()
            await exchange.gone()
            exchange.cut()

        async with serving(hold) as server:
            upstream = HttpUpstream(Limits(connections=1))
            held = await upstream.send(post(server.url))
            first = asyncio.ensure_future(fetch(upstream, server, "first"))
            second = asyncio.ensure_future(fetch(upstream, server, "second"))
            await settled()
            await held.close()
            first.cancel()
            assert await second == "new"
            assert first.cancelled()
            assert [exchange.body for exchange in server.exchanges[1:]] == [b"second"]
            await upstream.close()

    run(main)


def test_a_connection_given_to_one_who_leaves_just_then_goes_to_the_next() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as server:
            upstream = HttpUpstream(Limits(connections=1))
            leaving: list[asyncio.Task[str]] = []

            async def read_and_cancel() -> None:
                reply = await upstream.send(post(server.url))
                leaving[0].cancel()  # the connection was handed on when the reply was complete
                await reply.read()

            first = asyncio.ensure_future(read_and_cancel())
            await gate.asked.wait()
            leaving.append(asyncio.ensure_future(fetch(upstream, server, "leaves")))
            second = asyncio.ensure_future(fetch(upstream, server, "second"))
            await settled()
            gate.open.set()
            await first
            assert await second == "reused"
            assert leaving[0].cancelled()
            await upstream.close()

    run(main)


def test_a_limit_per_host_holds_one_host_and_no_other() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as busy, serving() as other:
            upstream = HttpUpstream(Limits(connections=10, per_host=1))
            first = asyncio.ensure_future(fetch(upstream, busy))
            await gate.asked.wait()
            second = asyncio.ensure_future(fetch(upstream, busy))
            await settled()
            assert await fetch(upstream, other) == "new"
            gate.open.set()
            assert list(await asyncio.gather(first, second)) == ["new", "reused"]
            assert busy.connections == 1
            await upstream.close()

    run(main)


def test_an_idle_connection_makes_room_for_another_host() -> None:
    async def main() -> None:
        async with serving() as one, serving() as other:
            upstream = HttpUpstream(Limits(connections=1))
            assert await fetch(upstream, one) == "new"
            assert await fetch(upstream, other) == "new"
            await one.dropped.wait()
            assert await fetch(upstream, other) == "reused"
            await upstream.close()

    run(main)


def test_a_connection_that_comes_free_makes_room_for_who_waits_for_another_host() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as one, serving() as other:
            upstream = HttpUpstream(Limits(connections=1))
            first = asyncio.ensure_future(fetch(upstream, one))
            await gate.asked.wait()
            second = asyncio.ensure_future(fetch(upstream, other))
            await settled()
            gate.open.set()
            assert list(await asyncio.gather(first, second)) == ["new", "new"]
            await one.dropped.wait()
            await upstream.close()

    run(main)


def test_a_retry_finds_a_place_in_a_full_pool() -> None:
    async def main() -> None:
        async with serving(ok, cut, ok) as server:
            upstream = HttpUpstream(Limits(connections=1))
            assert await fetch(upstream, server) == "new"
            assert await fetch(upstream, server) == "retried"
            assert await fetch(upstream, server) == "reused"
            await upstream.close()

    run(main)


def test_more_than_may_wait_fail_at_once() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as server:
            upstream = HttpUpstream(Limits(connections=1, waiting=1))
            first = asyncio.ensure_future(fetch(upstream, server))
            await gate.asked.wait()
            second = asyncio.ensure_future(fetch(upstream, server))
            await settled()
            error = await failure(fetch(upstream, server))
            assert place(error) == ("connect", "full")
            gate.open.set()
            await asyncio.gather(first, second)
            await upstream.close()

    run(main)


def test_a_connection_that_fails_gives_its_place_back() -> None:
    async def main() -> None:
        async with serving() as away:
            pass
        async with serving() as server:
            upstream = HttpUpstream(Limits(connections=1))
            for _ in range(3):
                assert place(await failure(fetch(upstream, away))) == ("connect", "econnrefused")
            assert await fetch(upstream, server) == "new"
            await upstream.close()

    run(main)


def test_closing_fails_whoever_waits() -> None:
    async def main() -> None:
        gate = Gate()
        async with serving(gate) as server:
            upstream = HttpUpstream(Limits(connections=1))
            first = asyncio.ensure_future(failure(fetch(upstream, server)))
            await gate.asked.wait()
            second = asyncio.ensure_future(failure(fetch(upstream, server)))
            await settled()
            await upstream.close()
            gate.open.set()
            assert place(await first) == ("connect", "closed")
            assert place(await second) == ("connect", "closed")

    run(main)


def test_a_connection_that_is_idle_for_long_is_closed() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream(Limits(keepalive_s=0.01))
            assert await fetch(upstream, server) == "new"
            await server.dropped.wait()
            assert await fetch(upstream, server) == "new"
            await upstream.close()

    run(main)


def test_the_connection_used_last_is_used_next() -> None:
    async def main() -> None:
        gates = [Gate(), Gate()]
        async with serving(*gates) as server:
            upstream = HttpUpstream()
            asking = []
            for gate in gates:
                asking.append(asyncio.ensure_future(fetch(upstream, server)))
                await gate.asked.wait()
            for gate, asked in zip(gates, asking, strict=True):
                gate.open.set()
                await asked
            for _ in range(3):
                assert await fetch(upstream, server) == "reused"
            assert [exchange.connection for exchange in server.exchanges] == [1, 2, 2, 2, 2]
            await upstream.close()

    run(main)


def test_a_cancelled_handshake_closes_its_connection_at_once() -> None:
    async def main() -> None:
        asked = asyncio.Event()
        gone = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            asked.set()
            try:
                while await reader.read(65536):
                    pass
            except ConnectionError:
                pass
            gone.set()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        upstream = HttpUpstream()
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        sending = asyncio.ensure_future(upstream.send(post(url)))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await gone.wait()
        server.close()
        await upstream.close()

    run(main)


def test_a_flood_meets_a_slow_reader_within_a_bound_and_arrives_whole() -> None:
    async def main() -> None:
        total = 16 << 20

        async def flood(exchange: Exchange) -> None:
            exchange.writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n\r\n".encode())
            for _ in range(total // 65536):
                exchange.writer.write(bytes(65536))
                await exchange.writer.drain()

        async with serving(flood) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(server.url))
            largest = got = 0
            async for chunk in reply.chunks():
                largest = max(largest, len(chunk))
                got += len(chunk)
                await settled()
            assert got == total
            assert largest <= HELD_BYTES + SEGMENT
            assert await fetch(upstream, server) == "reused"
            await upstream.close()

    run(main)
