"""Lookups of names: shared while they run, called off at the end; the addresses they yield."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.contract.upstream_servers import (
    Exchange,
    RawServer,
    failure,
    never,
    place,
    post,
    run,
    serving,
)

from portico.adapters.upstream import HttpUpstream
from portico.contract.snapshot import Network


async def settled() -> None:
    """Everything that can run has run; nothing here waits for a socket."""
    for _ in range(10):
        await asyncio.sleep(0)


class Lookups:
    """Answers when it is told to, with what it is told to."""

    def __init__(self, *answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.ready = asyncio.Event()

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        await self.ready.wait()
        return self.answer


def test_a_name_is_looked_up_once_for_all_who_ask_at_the_same_time() -> None:
    async def main() -> None:
        names = Lookups("127.0.0.1")
        async with serving() as server:
            upstream = HttpUpstream(resolver=lambda: names)
            request = post(f"http://api.model.test:{server.port}/")
            asking = [asyncio.ensure_future(upstream.send(request)) for _ in range(3)]
            await settled()
            asking[0].cancel()
            await asyncio.wait(asking[:1])
            names.ready.set()
            for reply in await asyncio.gather(*asking[1:]):
                assert await reply.read() == b"ok"
            assert names.asked == ["api.model.test"]
            await upstream.close()

    run(main)


def test_closing_during_a_lookup_fails_the_request() -> None:
    async def main() -> None:
        upstream = HttpUpstream(resolver=Lookups)
        sending = asyncio.ensure_future(failure(upstream.send(post("http://api.model.test/"))))
        await settled()
        await upstream.close()
        assert place(await sending) == ("connect", "closed")

    run(main)


def test_a_lookup_without_an_end_is_a_connect_timeout() -> None:
    async def main() -> None:
        upstream = HttpUpstream(resolver=Lookups)
        network = Network(connect_s=0.02)
        error = await failure(upstream.send(post("http://api.model.test/", network=network)))
        assert place(error) == ("connect", "timeout")
        await upstream.close()

    run(main)


@pytest.mark.parametrize("answer", [("127.0.0.2", "127.0.0.1"), ("::1", "127.0.0.1")])
def test_another_address_is_tried_where_one_refuses(answer: tuple[str, ...]) -> None:
    async def main() -> None:
        names = Lookups(*answer)
        names.ready.set()
        async with serving() as server:
            upstream = HttpUpstream(resolver=lambda: names)
            reply = await upstream.send(post(f"http://api.model.test:{server.port}/"))
            assert reply.address == "127.0.0.1"
            await reply.close()
            await upstream.close()

    run(main)


def test_addresses_of_a_name_take_turns() -> None:
    async def main() -> None:
        names = Lookups("127.0.0.1", "127.0.0.2")
        names.ready.set()

        async def hold(exchange: Exchange) -> None:
            exchange.begin()
            await never()

        server = RawServer([hold, hold, hold])
        listener = await asyncio.start_server(server.handle, "0.0.0.0", 0)
        port = listener.sockets[0].getsockname()[1]
        upstream = HttpUpstream(resolver=lambda: names)
        request = post(f"http://api.model.test:{port}/")
        replies = [await upstream.send(request) for _ in range(3)]
        assert [reply.address for reply in replies] == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
        listener.close()
        await upstream.close()

    run(main)
