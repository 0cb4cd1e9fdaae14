"""Connections of the real adapter: reuse, the one safe retry, what goes over the wire."""

import asyncio

import pytest
from tests.contract.upstream_servers import (
    Exchange,
    Play,
    cut,
    failure,
    get,
    never,
    ok,
    place,
    post,
    run,
    serving,
)

from portico.adapters.upstream import HttpUpstream, Limits
from portico.adapters.upstream.connection import Wire
from portico.contract.snapshot import Network

ASKS = pytest.mark.parametrize("ask", [post, get])


async def half_a_head(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 20")
    await exchange.writer.drain()
    exchange.writer.close()


async def half_a_body(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    await exchange.writer.drain()
    exchange.writer.close()


async def close_politely(exchange: Exchange) -> None:
    exchange.writer.close()


def test_a_connection_is_kept_and_used_again() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            seen = []
            for _ in range(3):
                reply = await upstream.send(post(server.url))
                assert await reply.read() == b"ok"
                seen.append(reply.connection)
            assert seen == ["new", "reused", "reused"]
            assert server.connections == 1
            await upstream.close()

    run(main)


def test_a_connection_is_kept_after_a_body_read_in_chunks() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            first = await upstream.send(post(server.url))
            assert [chunk async for chunk in first.chunks()] == [b"ok"]
            await first.close()
            assert (await upstream.send(post(server.url))).connection == "reused"
            await upstream.close()

    run(main)


@ASKS
@pytest.mark.parametrize("close", [cut, close_politely])
def test_a_stale_connection_is_replaced_once_and_unnoticed(ask: type, close: Play) -> None:
    async def main() -> None:
        async with serving(ok, close, ok) as server:
            upstream = HttpUpstream()
            await (await upstream.send(ask(server.url))).read()
            reply = await upstream.send(ask(server.url))
            assert reply.connection == "retried"
            assert await reply.read() == b"ok"
            assert [exchange.connection for exchange in server.exchanges] == [1, 1, 2]
            assert server.exchanges[1].body == server.exchanges[2].body
            await upstream.close()

    run(main)


@ASKS
def test_a_second_break_is_not_retried(ask: type) -> None:
    async def main() -> None:
        async with serving(ok, cut, cut) as server:
            upstream = HttpUpstream()
            await (await upstream.send(ask(server.url))).read()
            error = await failure(upstream.send(ask(server.url)))
            assert place(error) == ("first_byte", "disconnected")
            assert len(server.exchanges) == 3
            await upstream.close()

    run(main)


def test_a_retry_takes_a_new_connection_though_the_pool_holds_others() -> None:
    async def main() -> None:
        both = asyncio.Barrier(2)

        async def together(exchange: Exchange) -> None:
            await both.wait()
            await ok(exchange)

        async with serving(together, together, cut, ok) as server:
            upstream = HttpUpstream()

            async def one() -> None:
                await (await upstream.send(post(server.url))).read()

            await asyncio.gather(one(), one())
            reply = await upstream.send(post(server.url))
            assert reply.connection == "retried"
            assert server.exchanges[3].connection == 3
            await upstream.close()

    run(main)


@ASKS
def test_a_new_connection_that_breaks_is_not_retried(ask: type) -> None:
    async def main() -> None:
        async with serving(cut) as server:
            upstream = HttpUpstream()
            error = await failure(upstream.send(ask(server.url)))
            assert place(error) == ("first_byte", "disconnected")
            assert len(server.exchanges) == 1
            await upstream.close()

    run(main)


@ASKS
def test_a_request_is_not_sent_again_once_a_byte_of_a_reply_came(ask: type) -> None:
    async def main() -> None:
        async with serving(ok, half_a_head) as server:
            upstream = HttpUpstream()
            await (await upstream.send(ask(server.url))).read()
            error = await failure(upstream.send(ask(server.url)))
            assert error.detail["stage"] == "first_byte"
            assert len(server.exchanges) == 2
            await upstream.close()

    run(main)


def test_a_request_is_not_sent_again_once_the_head_came() -> None:
    async def main() -> None:
        async with serving(ok, half_a_body) as server:
            upstream = HttpUpstream()
            await (await upstream.send(post(server.url))).read()
            reply = await upstream.send(post(server.url))
            assert place(await failure(reply.read())) == ("body", "cut")
            assert len(server.exchanges) == 2
            await upstream.close()

    run(main)


def test_a_connection_that_breaks_late_is_not_retried() -> None:
    async def main() -> None:
        async with serving(ok, cut) as server:
            upstream = HttpUpstream(Limits(stale_s=-1))
            await (await upstream.send(post(server.url))).read()
            error = await failure(upstream.send(post(server.url)))
            assert place(error) == ("first_byte", "disconnected")
            assert len(server.exchanges) == 2
            await upstream.close()

    run(main)


@pytest.mark.parametrize("apart", [False, True])
def test_a_reply_that_nobody_asked_for_is_never_given_to_the_next_request(apart: bool) -> None:
    async def main() -> None:
        first_read = asyncio.Event()

        async def twice(exchange: Exchange) -> None:
            exchange.begin()
            exchange.chunk(b"mine")
            if apart:
                await first_read.wait()
            exchange.writer.write(b"0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nwhose?")

        async with serving(twice, ok) as server:
            upstream = HttpUpstream()
            chunks = (await upstream.send(post(server.url))).chunks()
            assert await anext(chunks) == b"mine"
            first_read.set()
            assert [chunk async for chunk in chunks] == []
            reply = await upstream.send(post(server.url))
            assert await reply.read() == b"ok"
            assert reply.connection == "new"
            await upstream.close()

    run(main)


def test_bytes_that_come_while_a_connection_is_idle_end_it() -> None:
    async def main() -> None:
        first_read = asyncio.Event()
        arrived = asyncio.Event()

        async def later(exchange: Exchange) -> None:
            await ok(exchange)
            await first_read.wait()
            exchange.reply(b"whose?")
            await exchange.gone()
            arrived.set()

        async with serving(later, ok) as server:
            upstream = HttpUpstream()
            assert await (await upstream.send(post(server.url))).read() == b"ok"
            first_read.set()
            await arrived.wait()
            reply = await upstream.send(post(server.url))
            assert await reply.read() == b"ok"
            assert reply.connection == "new"
            await upstream.close()

    run(main)


def test_a_cancelled_send_frees_its_place_in_the_pool() -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def hold(exchange: Exchange) -> None:
            asked.set()
            await exchange.gone()
            exchange.cut()

        async with serving(hold, ok) as server:
            upstream = HttpUpstream(Limits(connections=1))
            sending = asyncio.ensure_future(upstream.send(post(server.url)))
            await asked.wait()
            sending.cancel()
            await asyncio.wait([sending])
            assert await (await upstream.send(post(server.url))).read() == b"ok"
            await upstream.close()

    run(main)


def test_a_cancelled_upload_closes_at_once_though_the_upstream_reads_nothing() -> None:
    async def main() -> None:
        asked = asyncio.Event()
        release = asyncio.Event()
        gone = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await release.wait()
            try:
                while await reader.read(1 << 20):
                    pass
            except ConnectionError:
                pass
            gone.set()
            writer.close()

        server = await asyncio.start_server(deaf, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        upstream = HttpUpstream()
        sending = asyncio.ensure_future(upstream.send(post(url, bytes(32 << 20))))
        await asked.wait()
        sending.cancel()
        await asyncio.wait([sending])
        release.set()
        await gone.wait()
        server.close()
        await upstream.close()

    run(main)


class Ending(asyncio.Transport):
    """A transport that notes how it is ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")


def test_a_connection_is_aborted_so_that_nothing_buffered_delays_its_end() -> None:
    async def main() -> None:
        transport = Ending()
        wire = Wire(asyncio.get_running_loop())
        wire.connection_made(transport)
        wire.abort()
        assert transport.ends == ["abort"]

    run(main)


def test_a_full_pool_is_a_connect_timeout() -> None:
    async def main() -> None:
        async def hold(exchange: Exchange) -> None:
            exchange.begin()
            await exchange.gone()
            exchange.cut()

        async with serving(hold) as server:
            upstream = HttpUpstream(Limits(connections=1))
            held = await upstream.send(post(server.url))
            network = Network(allow_private=True, connect_s=0.05)
            error = await failure(upstream.send(post(server.url, network=network)))
            assert place(error) == ("connect", "timeout")
            await held.close()
            await upstream.close()

    run(main)


def test_a_handshake_that_does_not_end_is_a_connect_timeout() -> None:
    async def main() -> None:
        async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await never()
            finally:
                writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        upstream = HttpUpstream()
        network = Network(allow_private=True, connect_s=0.05)
        assert place(await failure(upstream.send(post(url, network=network)))) == (
            "connect",
            "timeout",
        )
        network = Network(allow_private=True, first_byte_s=0.05)
        assert place(await failure(upstream.send(post(url, network=network)))) == (
            "connect",
            "timeout",
        )
        server.close()
        await upstream.close()

    run(main)


def test_a_port_where_nothing_listens_is_a_connect_failure_that_names_it() -> None:
    async def main() -> None:
        async with serving() as server:
            pass
        upstream = HttpUpstream()
        request = post(f"http://127.0.0.1:{server.port}/v1/x?key=secret")
        error = await failure(upstream.send(request))
        assert place(error) == ("connect", "econnrefused")
        assert f"127.0.0.1:{server.port}" in error.message
        assert "secret" not in error.message
        await upstream.close()

    run(main)


def test_closing_the_upstream_ends_what_is_under_way() -> None:
    async def main() -> None:
        async def hold(exchange: Exchange) -> None:
            exchange.begin()
            await exchange.gone()
            exchange.cut()

        async with serving(hold) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(server.url))
            await upstream.close()
            await server.dropped.wait()
            assert (await failure(reply.read())).detail["stage"] == "body"

    run(main)
