"""What the real adapter writes, byte by byte, and what it takes for a reply."""

import pytest
from tests.contract.upstream_servers import Exchange, cut, failure, ok, place, post, run, serving

from portico.adapters.upstream import HttpUpstream
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Network


def test_a_reply_that_is_not_http_is_a_failure() -> None:
    async def main() -> None:
        async def nonsense(exchange: Exchange) -> None:
            exchange.writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

        async with serving(nonsense) as server:
            upstream = HttpUpstream()
            error = await failure(upstream.send(post(server.url)))
            assert place(error) == ("first_byte", "malformed")
            assert "SSH" not in error.message
            await upstream.close()

    run(main)


def test_the_wire_carries_the_request_and_little_else() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            await (await upstream.send(post(server.url, b'{"a":1}'))).read()
            sent = server.exchanges[0]
            assert sent.head.split("\r\n")[0] == "POST /v1/x HTTP/1.1"
            names = {line.partition(":")[0].lower() for line in sent.head.split("\r\n")[1:]}
            assert names == {
                "host",
                "accept",
                "accept-encoding",
                "user-agent",
                "content-type",
                "content-length",
                "x-test",
            }
            assert sent.header("accept-encoding") == "identity"
            assert sent.body == b'{"a":1}'
            await upstream.close()

    run(main)


def test_a_url_goes_over_the_wire_byte_for_byte() -> None:
    async def main() -> None:
        path = "/model/arn%3Aaws%3Abedrock%2Fx:0/invoke?q=%7E~a%20b"
        async with serving() as server:
            upstream = HttpUpstream()
            await (await upstream.send(post(f"http://127.0.0.1:{server.port}{path}"))).read()
            assert server.exchanges[0].head.split("\r\n")[0] == f"POST {path} HTTP/1.1"
            await upstream.close()

    run(main)


@pytest.mark.filterwarnings("error:Sending a large body")
@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 8 << 20])
def test_a_body_of_any_size_arrives_whole(size: int) -> None:
    async def main() -> None:
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        async with serving() as server:
            upstream = HttpUpstream()
            await (await upstream.send(post(server.url, body))).read()
            assert server.exchanges[0].body == body
            assert server.exchanges[0].header("content-length") == str(size)
            await upstream.close()

    run(main)


def test_a_large_body_is_sent_whole_again_when_its_connection_was_stale() -> None:
    async def main() -> None:
        body = b"x" * (3 << 20)
        async with serving(ok, cut, ok) as server:
            upstream = HttpUpstream()
            await (await upstream.send(post(server.url))).read()
            reply = await upstream.send(post(server.url, body))
            assert reply.connection == "retried"
            assert server.exchanges[2].body == body
            await upstream.close()

    run(main)


def test_cookies_are_not_kept() -> None:
    async def main() -> None:
        async def baker(exchange: Exchange) -> None:
            exchange.reply(b"ok", "set-cookie: who=me; Path=/")

        async with serving(baker, ok) as server:
            upstream = HttpUpstream()
            for _ in range(2):
                # A name: cookies of bare addresses are dropped by every jar.
                await (await upstream.send(post(f"http://localhost:{server.port}/"))).read()
            assert server.exchanges[1].header("cookie") == ""
            await upstream.close()

    run(main)


def test_a_line_break_in_a_header_is_a_failure_that_does_not_quote_it() -> None:
    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            request = UpstreamRequest(
                method="POST",
                url=server.url,
                headers=(("authorization", "Bearer secret\r\nx-evil: 1"),),
                body=b"{}",
                network=Network(allow_private=True),
            )
            error = await failure(upstream.send(request))
            assert place(error) == ("first_byte", "header")
            assert "secret" not in error.message
            assert server.exchanges == []
            await upstream.close()

    run(main)


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def main() -> None:
        async with serving() as server:
            upstream = HttpUpstream()
            assert await (await upstream.send(post(server.url))).read() == b"ok"
            await upstream.close()

    run(main)
