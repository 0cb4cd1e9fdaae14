"""Which addresses the real adapter connects to, and what it says of the one it did."""

import asyncio
import socket
from collections.abc import Sequence

import pytest
from tests.contract.upstream_servers import Exchange, failure, place, post, run, serving

from portico.adapters.upstream import HttpUpstream, Limits
from portico.adapters.upstream.dial import dial, guarded_socket
from portico.adapters.upstream.failures import AddressRefused
from portico.adapters.upstream.resolve import Names as Kept
from portico.adapters.upstream.route import End, Way
from portico.contract.snapshot import Network


class Names:
    """A name server under the test's control: answers in turn, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)


NOT_PRIVATE = Network()


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("169.254.169.254", "link_local"),
        ("[fe80::1]", "link_local"),
        ("[::ffff:169.254.169.254]", "link_local"),
        ("[::ffff:a9fe:a9fe]", "link_local"),
        ("[64:ff9b::a9fe:a9fe]", "link_local"),
        ("[2002:a9fe:a9fe::1]", "link_local"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("[fd00:ec2::254]", "metadata"),
        ("0.0.0.0", "unspecified"),
        ("[::]", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("2852039166", "numeric_host"),
        ("0xa9fea9fe", "numeric_host"),
        ("0251.0376.0251.0376", "numeric_host"),
        ("169.254.43518", "numeric_host"),
        ("2130706433", "numeric_host"),
        ("127.1", "numeric_host"),
    ],
)
def test_a_literal_that_is_never_connected_to_is_refused(host: str, kind: str) -> None:
    async def main() -> None:
        names = Names(["127.0.0.1"])
        upstream = HttpUpstream(resolver=lambda: names)
        error = await failure(upstream.send(post(f"http://{host}/v1/x?key=secret")))
        assert place(error) == ("address", kind)
        assert "secret" not in error.message
        assert names.asked == []
        await upstream.close()

    run(main)


def test_fullwidth_digits_are_digits() -> None:
    async def main() -> None:
        upstream = HttpUpstream(resolver=lambda: Names(["127.0.0.1"]))
        wide = "169.254.169.254".translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
        error = await failure(upstream.send(post(f"http://{wide}/")))
        assert error.detail["stage"] == "address"
        await upstream.close()

    run(main)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://model.test/",
        "model.test",
        "http://",
        "http://a b/",
        "http://a/\r\nx-evil: 1",
        "http://model.test:99999/",
        "http://model.test:port/",
        "http://[::1/",
        "http://user:secret@model.test/",
        "",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    async def main() -> None:
        upstream = HttpUpstream()
        error = await failure(upstream.send(post(url)))
        assert place(error) == ("address", "url")
        assert "secret" not in error.message
        await upstream.close()

    run(main)


def test_a_private_literal_is_refused_unless_the_project_names_it() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            error = await failure(upstream.send(post(server.url, network=NOT_PRIVATE)))
            assert place(error) == ("address", "private")
            assert server.connections == 0
            reply = await upstream.send(post(server.url))
            assert (reply.address, reply.private) == ("127.0.0.1", True)
            await reply.close()
            await upstream.close()

    run(main)


def test_a_name_that_resolves_to_a_private_address_is_allowed_and_recorded() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream(resolver=lambda: Names(["127.0.0.1"]))
            url = f"http://api.model.test:{server.port}/"
            for connection in ("new", "reused"):
                reply = await upstream.send(post(url, network=NOT_PRIVATE))
                assert await reply.read() == b"ok"
                assert reply.connection == connection
                assert (reply.address, reply.private) == ("127.0.0.1", True)
            await upstream.close()

    run(main)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "::ffff:a9fe:a9fe", "fd00:ec2::254", "0.0.0.0"]
)
def test_a_name_that_resolves_to_a_refused_address_is_refused(address: str) -> None:
    async def main() -> None:
        upstream = HttpUpstream(resolver=lambda: Names([address]))
        error = await failure(upstream.send(post("http://api.model.test/")))
        assert error.detail["stage"] == "address"
        assert "api.model.test" in error.message
        await upstream.close()

    run(main)


def test_refused_addresses_of_a_name_are_passed_over() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream(resolver=lambda: Names(["169.254.169.254", "127.0.0.1"]))
            reply = await upstream.send(post(f"http://api.model.test:{server.port}/"))
            assert reply.address == "127.0.0.1"
            await reply.close()
            await upstream.close()

    run(main)


def test_a_name_that_moves_to_a_refused_address_is_refused() -> None:
    async def main() -> None:
        async def once(exchange: Exchange) -> None:
            exchange.reply(b"ok", "connection: close")

        async with serving(once, once) as server:
            names = Names(["127.0.0.1"], ["169.254.169.254"])
            upstream = HttpUpstream(Limits(dns_ttl_s=-1), resolver=lambda: names)
            url = f"http://api.model.test:{server.port}/"
            assert await (await upstream.send(post(url))).read() == b"ok"
            error = await failure(upstream.send(post(url)))
            assert place(error) == ("address", "link_local")
            await upstream.close()

    run(main)


def test_a_name_is_asked_once_while_its_answer_is_fresh() -> None:
    async def main() -> None:
        async def once(exchange: Exchange) -> None:
            exchange.reply(b"ok", "connection: close")

        async with serving(once, once) as server:
            names = Names(["127.0.0.1"])
            upstream = HttpUpstream(resolver=lambda: names)
            for _ in range(2):
                url = f"http://api.model.test:{server.port}/"
                await (await upstream.send(post(url))).read()
            assert server.connections == 2
            assert names.asked == ["api.model.test"]
            await upstream.close()

    run(main)


@pytest.mark.parametrize("answer", [[], None])
def test_a_name_without_an_address_is_a_dns_failure(answer: list[str] | None) -> None:
    class Unknown(Names):
        async def resolve(self, host: str) -> Sequence[str]:
            if answer is None:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return []

    async def main() -> None:
        upstream = HttpUpstream(resolver=Unknown)
        error = await failure(upstream.send(post("https://api.model.test/v1?key=secret")))
        assert place(error) == ("dns", "unresolved")
        assert "api.model.test" in error.message
        assert "secret" not in error.message
        await upstream.close()

    run(main)


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("169.254.169.254", 80)),
        (socket.AF_INET, ("0.0.0.0", 80)),
        (socket.AF_INET6, ("fe80::1", 80, 0, 2)),
        (socket.AF_INET6, ("::ffff:169.254.169.254", 80, 0, 0)),
        (socket.AF_INET6, ("fd00:ec2::254", 80, 0, 0)),
    ],
)
def test_no_socket_is_made_for_a_refused_address(
    family: socket.AddressFamily, address: tuple[object, ...]
) -> None:
    with pytest.raises(AddressRefused):
        guarded_socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address))


class Unchecked(Kept):
    """A cache that hands out what its resolver says."""

    async def find(self, host: str) -> list[str]:
        return ["169.254.169.254"]


def test_an_address_that_a_resolver_let_through_is_refused_at_the_socket() -> None:
    async def main() -> None:
        way = Way(End("api.model.test", 80, "api.model.test:80"))
        error = await failure(dial(way, Unchecked(Names(), 10)))
        assert place(error) == ("address", "link_local")

    run(main)


def test_a_cancelled_lookup_is_left_behind() -> None:
    async def main() -> None:
        asked = asyncio.Event()

        class Slow(Names):
            async def resolve(self, host: str) -> Sequence[str]:
                asked.set()
                await asyncio.Event().wait()
                return []

        upstream = HttpUpstream(resolver=Slow)
        sending = asyncio.ensure_future(upstream.send(post("http://api.model.test/")))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await upstream.close()

    run(main)
