"""What every Upstream promises: one suite over the fake, the real adapter and the simulator.

The simulator plays no script with a gate in its midst and breaks no connection before a head:
tests that need one are skipped for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
from tests.contract.upstream_servers import (
    Exchange,
    Play,
    failure,
    get,
    never,
    place,
    post,
    run,
    serving,
)

from portico.adapters.memory.upstream import MemoryUpstream, Scripted
from portico.adapters.simulator.dialects import OPENAI, Address, Dialect
from portico.adapters.simulator.replies import Reply
from portico.adapters.simulator.simulation import Simulation
from portico.adapters.simulator.upstream import SimulatedUpstream
from portico.adapters.upstream import HttpUpstream
from portico.contract.ports import Upstream, UpstreamReply
from portico.contract.snapshot import Network
from portico.providers.simulator.connection import SCHEME
from portico.providers.simulator.faults import SMOOTH, Course


@dataclass
class Stage:
    upstream: Upstream
    url: str
    dropped: asyncio.Event
    bodies: Callable[[], list[bytes]]
    connection: str = "new"
    """What the first reply says of its connection."""


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def memory(*script: Scripted) -> AsyncIterator[Stage]:
    upstream = MemoryUpstream(script)
    yield Stage(
        upstream,
        "https://model.test/v1/x",
        upstream.dropped,
        lambda: [request.body for request in upstream.requests],
    )
    await upstream.close()


def _play(script: Scripted) -> Play:
    async def play(exchange: Exchange) -> None:
        for step in script.before:
            if isinstance(step, Exception):
                return exchange.cut()
            await _until(step, exchange)
        lines = [f"{name}: {value}" for name, value in script.headers]
        exchange.begin(*lines, status=f"{script.status} Scripted")
        for part in script.body:
            if isinstance(part, Exception):
                return exchange.cut()
            if isinstance(part, bytes):
                exchange.chunk(part)
            else:
                await _until(part, exchange)
        return exchange.end()

    return play


async def _until(gate: Callable[[], object], exchange: Exchange) -> None:
    """The gate opens, or the client has gone."""

    async def opened() -> None:
        await gate()  # type: ignore[misc]  # a Gate returns an awaitable

    ways = {asyncio.ensure_future(opened()), asyncio.ensure_future(exchange.gone())}
    _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in pending:
        way.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if exchange.reader.at_eof():
        raise ConnectionResetError


@asynccontextmanager
async def real(*script: Scripted) -> AsyncIterator[Stage]:
    async with serving(*map(_play, script)) as server:
        upstream = HttpUpstream()
        yield Stage(
            upstream,
            server.url,
            server.dropped,
            lambda: [exchange.body for exchange in server.exchanges],
        )
        await upstream.close()


@asynccontextmanager
async def simulated(*script: Scripted) -> AsyncIterator[Stage]:
    replies = [_reply(scripted) for scripted in script]
    bodies: list[bytes] = []

    def play(_: Simulation, __: Dialect, body: bytes, ___: Address) -> Reply:
        bodies.append(body)
        return replies[len(bodies) - 1]

    upstream = SimulatedUpstream({}, {"x": (play, OPENAI)})
    nothing_runs_on = asyncio.Event()
    nothing_runs_on.set()
    yield Stage(upstream, f"{SCHEME}sim/x", nothing_runs_on, lambda: bodies, "reused")
    await upstream.close()


def _reply(script: Scripted) -> Reply:
    pieces = [part for part in script.body if isinstance(part, bytes)]
    said = sum(map(len, pieces))
    course, ends = SMOOTH, [part for part in script.body if not isinstance(part, bytes)]
    if ends == [never] and said:
        course = Course(stall_after=said)
    elif ends and isinstance(ends[0], Exception):
        course = Course(cut_after=said)
    elif ends or script.before not in ((), (never,)):
        pytest.skip("the simulator plays no such script")
    if script.before:
        course = Course(stall_after=0)
    if ends:
        pieces.append(b"what is never sent")
    if 300 <= script.status < 400:
        pytest.skip("the simulator redirects nobody")
    return Reply(
        status=script.status,
        headers={name.lower(): value for name, value in script.headers},
        pieces=[(piece, 0) for piece in pieces],
        length=None if ends else said,
        course=course,
    )


@pytest.fixture(params=[memory, real, simulated], ids=["memory", "http", "simulator"])
def scripted(request: pytest.FixtureRequest) -> Open:
    opened: Open = request.param
    return opened


async def drain(reply: UpstreamReply) -> list[bytes]:
    return [chunk async for chunk in reply.chunks()]


def test_a_reply_has_its_status_headers_and_body(scripted: Open) -> None:
    async def main() -> None:
        script = Scripted(status=201, headers=(("X-Request-Id", "r1"),), body=(b"he", b"llo"))
        async with scripted(script) as at:
            reply = await at.upstream.send(post(at.url, b"ask"))
            assert reply.status == 201
            assert reply.headers["x-request-id"] == "r1"
            assert await reply.read() == b"hello"
            assert at.bodies() == [b"ask"]
            assert reply.connection == at.connection
            assert reply.address

    run(main)


def test_chunks_come_as_they_are_sent(scripted: Open) -> None:
    async def main() -> None:
        first_read = asyncio.Event()
        script = Scripted(body=(b"one", first_read.wait, b"two"))
        async with scripted(script) as at:
            chunks = (await at.upstream.send(post(at.url))).chunks()
            assert await anext(chunks) == b"one"
            first_read.set()
            assert b"".join([chunk async for chunk in chunks]) == b"two"

    run(main)


def test_an_empty_body_reads_as_nothing(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(), Scripted()) as at:
            assert await (await at.upstream.send(get(at.url))).read() == b""
            assert await drain(await at.upstream.send(get(at.url))) == []

    run(main)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_an_error_status_is_a_reply(scripted: Open, status: int) -> None:
    async def main() -> None:
        async with scripted(Scripted(status=status, body=(b"why",))) as at:
            reply = await at.upstream.send(post(at.url))
            assert (reply.status, await reply.read()) == (status, b"why")

    run(main)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_that_names_the_status_only(scripted: Open, status: int) -> None:
    async def main() -> None:
        location = ("location", "https://elsewhere.test/secret")
        async with scripted(Scripted(status=status, headers=(location,))) as at:
            error = await failure(at.upstream.send(post(at.url)))
            assert place(error) == ("first_byte", "redirect")
            assert error.detail["status"] == str(status)
            assert str(status) in error.message
            assert "elsewhere" not in error.message

    run(main)


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_over_its_bound_is_refused_and_given_up(scripted: Open, whole: bool) -> None:
    async def main() -> None:
        script = Scripted(body=(b"x" * 60, b"x" * 60, never))
        async with scripted(script) as at:
            network = Network(allow_private=True, max_response_bytes=100)
            reply = await at.upstream.send(post(at.url, network=network))
            error = await failure(reply.read() if whole else drain(reply))
            assert place(error) == ("body", "too_large")
            await at.dropped.wait()

    run(main)


def test_a_body_of_exactly_its_bound_is_read(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(body=(b"x" * 100,))) as at:
            network = Network(allow_private=True, max_response_bytes=100)
            reply = await at.upstream.send(post(at.url, network=network))
            assert len(await reply.read()) == 100

    run(main)


@pytest.mark.parametrize("whole", [True, False])
def test_a_broken_body_is_a_failure(scripted: Open, whole: bool) -> None:
    async def main() -> None:
        async with scripted(Scripted(body=(b"half", ConnectionResetError()))) as at:
            reply = await at.upstream.send(post(at.url))
            error = await failure(reply.read() if whole else drain(reply))
            assert place(error) == ("body", "cut")

    run(main)


def test_a_connection_broken_before_the_head_is_a_failure(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(before=(ConnectionResetError(),))) as at:
            error = await failure(at.upstream.send(post(at.url)))
            assert place(error) == ("first_byte", "disconnected")

    run(main)


def test_a_head_that_does_not_come_in_time_is_a_failure(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(before=(never,))) as at:
            network = Network(allow_private=True, first_byte_s=0.2)
            error = await failure(at.upstream.send(post(at.url, network=network)))
            assert place(error) == ("first_byte", "timeout")

    run(main)


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_that_stalls_is_a_failure_and_given_up(scripted: Open, whole: bool) -> None:
    async def main() -> None:
        async with scripted(Scripted(body=(b"half", never))) as at:
            network = Network(allow_private=True, between_chunks_s=0.01)
            reply = await at.upstream.send(post(at.url, network=network))
            error = await failure(reply.read() if whole else drain(reply))
            assert place(error) == ("between_chunks", "timeout")
            await at.dropped.wait()

    run(main)


def test_a_cancelled_send_is_given_up_upstream(scripted: Open) -> None:
    async def main() -> None:
        waiting = asyncio.Event()

        async def arrived() -> None:
            waiting.set()
            await never()

        async with scripted(Scripted(before=(arrived,))) as at:
            sending = asyncio.ensure_future(at.upstream.send(post(at.url)))
            await waiting.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await at.dropped.wait()

    run(main)


def test_a_closed_reply_is_given_up_upstream(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(body=(b"first", never))) as at:
            reply = await at.upstream.send(post(at.url))
            assert await anext(reply.chunks()) == b"first"
            await reply.close()
            await reply.close()
            await at.dropped.wait()

    run(main)


def test_a_reply_closed_before_its_body_is_read_is_given_up_upstream(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted(body=(never,))) as at:
            reply = await at.upstream.send(post(at.url))
            await reply.close()
            await at.dropped.wait()
            assert place(await failure(reply.read())) == ("body", "cut")

    run(main)


def test_a_cancelled_reader_gives_the_reply_up(scripted: Open) -> None:
    async def main() -> None:
        first = asyncio.Event()

        async def follow(reply: UpstreamReply) -> None:
            async for _ in reply.chunks():
                first.set()

        async with scripted(Scripted(body=(b"first", never))) as at:
            reading = asyncio.ensure_future(follow(await at.upstream.send(post(at.url))))
            await first.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await at.dropped.wait()

    run(main)


def test_an_upstream_serves_on_after_a_failure(scripted: Open) -> None:
    async def main() -> None:
        script = (Scripted(before=(ConnectionResetError(),)), Scripted(body=(b"fine",)))
        async with scripted(*script) as at:
            await failure(at.upstream.send(post(at.url)))
            assert await (await at.upstream.send(post(at.url))).read() == b"fine"

    run(main)


def test_requests_run_side_by_side(scripted: Open) -> None:
    async def main() -> None:
        script = [Scripted(body=(b"%d" % number,)) for number in range(20)]
        async with scripted(*script) as at:

            async def one() -> bytes:
                return await (await at.upstream.send(post(at.url))).read()

            answers = await asyncio.gather(*[one() for _ in script])
            assert sorted(map(int, answers)) == list(range(20))

    run(main)


def test_a_closed_upstream_sends_nothing(scripted: Open) -> None:
    async def main() -> None:
        async with scripted(Scripted()) as at:
            await at.upstream.close()
            await at.upstream.close()
            error = await failure(at.upstream.send(post(at.url)))
            assert place(error) == ("connect", "closed")
            assert at.bodies() == []

    run(main)
