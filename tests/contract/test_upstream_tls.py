"""TLS and proxies of the real adapter."""

import asyncio
import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.contract.upstream_servers import (
    Exchange,
    Play,
    RawServer,
    cut,
    failure,
    ok,
    place,
    post,
    run,
    serving,
)

from portico.adapters.upstream import HttpUpstream
from portico.contract.snapshot import Network


@dataclass
class Tls:
    server: ssl.SSLContext
    ca_file: str

    def network(self, proxy: str = "") -> Network:
        return Network(allow_private=True, ca_file=self.ca_file, proxy=proxy)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A server with a certificate of its own making for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Loopback")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    cert_file = folder / "cert.pem"
    cert_file.write_bytes(certificate.public_bytes(pem))
    key_file = folder / "key.pem"
    key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return Tls(context, str(cert_file))


def https(server: RawServer, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{server.port}/v1/x"


def test_a_certificate_of_an_unknown_issuer_is_refused(tls: Tls) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server:
            upstream = HttpUpstream()
            error = await failure(upstream.send(post(https(server))))
            assert place(error) == ("tls", "certificate")
            assert server.exchanges == []
            await upstream.close()

    run(main)


def test_a_certificate_of_the_projects_own_ca_is_accepted_and_its_connection_kept(
    tls: Tls,
) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server:
            upstream = HttpUpstream()
            for connection in ("new", "reused"):
                reply = await upstream.send(post(https(server), network=tls.network()))
                assert await reply.read() == b"ok"
                assert reply.connection == connection
                assert reply.address == "127.0.0.1"
            await upstream.close()

    run(main)


def test_a_certificate_for_another_name_is_refused(tls: Tls) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server:
            upstream = HttpUpstream()
            request = post(https(server, "localhost"), network=tls.network())
            assert place(await failure(upstream.send(request))) == ("tls", "certificate")
            await upstream.close()

    run(main)


def test_a_server_without_tls_is_a_tls_failure(tls: Tls) -> None:
    async def main() -> None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        upstream = HttpUpstream()
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        error = await failure(upstream.send(post(url, network=tls.network())))
        assert error.detail["stage"] == "tls"
        server.close()
        await upstream.close()

    run(main)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)

    async def main() -> None:
        upstream = HttpUpstream()
        network = Network(allow_private=True, ca_file=str(ca_file))
        error = await failure(upstream.send(post("https://127.0.0.1:1/", network=network)))
        assert place(error) == ("tls", "ca_file")
        assert str(ca_file) in error.message
        await upstream.close()

    run(main)


def test_a_closed_tls_reply_closes_its_connection(tls: Tls) -> None:
    async def main() -> None:
        async def hold(exchange: Exchange) -> None:
            exchange.begin()
            exchange.chunk(b"first")
            await exchange.gone()
            exchange.cut()

        async with serving(hold, tls=tls.server) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(https(server), network=tls.network()))
            assert await anext(reply.chunks()) == b"first"
            await reply.close()
            await server.dropped.wait()
            await upstream.close()

    run(main)


def test_a_stale_tls_connection_is_replaced(tls: Tls) -> None:
    async def main() -> None:
        async with serving(ok, cut, ok, tls=tls.server) as server:
            upstream = HttpUpstream()
            request = post(https(server), network=tls.network())
            await (await upstream.send(request)).read()
            assert (await upstream.send(request)).connection == "retried"
            await upstream.close()

    run(main)


def tunnel_to(port: int) -> Play:
    """A proxy's CONNECT: answers, then carries bytes both ways."""

    async def tunnel(exchange: Exchange) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        exchange.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_carry(exchange.reader, writer), _carry(reader, exchange.writer))

    return tunnel


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


def test_a_request_goes_through_the_providers_proxy() -> None:
    async def main() -> None:
        async with serving() as proxy:
            upstream = HttpUpstream()
            network = Network(proxy=f"http://127.0.0.1:{proxy.port}")
            reply = await upstream.send(post("http://api.model.test/v1/x", network=network))
            assert await reply.read() == b"ok"
            sent = proxy.exchanges[0]
            assert sent.head.split("\r\n")[0] == "POST http://api.model.test/v1/x HTTP/1.1"
            assert sent.header("host") == "api.model.test"
            await upstream.close()

    run(main)


def test_tls_goes_through_a_proxys_tunnel_and_is_verified_end_to_end(tls: Tls) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server, serving(tunnel_to(server.port)) as proxy:
            upstream = HttpUpstream()
            network = tls.network(f"http://127.0.0.1:{proxy.port}")
            for connection in ("new", "reused"):
                reply = await upstream.send(post(https(server), network=network))
                assert await reply.read() == b"ok"
                assert reply.connection == connection
            assert proxy.exchanges[0].head.startswith(f"CONNECT 127.0.0.1:{server.port} ")
            assert proxy.exchanges[0].header("x-test") == ""
            await upstream.close()

    run(main)


def test_a_tunnel_does_not_soften_verification(tls: Tls) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server, serving(tunnel_to(server.port)) as proxy:
            upstream = HttpUpstream()
            network = Network(allow_private=True, proxy=f"http://127.0.0.1:{proxy.port}")
            error = await failure(upstream.send(post(https(server), network=network)))
            assert place(error) == ("tls", "certificate")
            assert server.exchanges == []
            await upstream.close()

    run(main)


def test_a_proxy_that_refuses_the_tunnel_is_a_connect_failure(tls: Tls) -> None:
    async def main() -> None:
        async def deny(exchange: Exchange) -> None:
            exchange.reply(b"", status="403 Forbidden")

        async with serving(deny) as proxy:
            upstream = HttpUpstream()
            network = tls.network(f"http://user:secret@127.0.0.1:{proxy.port}")
            error = await failure(upstream.send(post("https://api.model.test/", network=network)))
            assert place(error) == ("connect", "proxy")
            assert error.detail["status"] == "403"
            assert "secret" not in error.message
            await upstream.close()

    run(main)


def test_a_proxy_that_is_away_is_a_connect_failure() -> None:
    async def main() -> None:
        async with serving() as proxy:
            pass
        upstream = HttpUpstream()
        network = Network(proxy=f"http://127.0.0.1:{proxy.port}")
        error = await failure(upstream.send(post("http://api.model.test/", network=network)))
        assert place(error) == ("connect", "proxy")
        await upstream.close()

    run(main)


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1/", "nonsense"])
def test_a_proxy_that_is_no_url_is_named(proxy: str) -> None:
    async def main() -> None:
        upstream = HttpUpstream()
        network = Network(proxy=proxy)
        error = await failure(upstream.send(post("http://api.model.test/", network=network)))
        assert place(error) == ("connect", "proxy")
        await upstream.close()

    run(main)


def test_a_proxy_at_a_refused_address_is_refused() -> None:
    async def main() -> None:
        upstream = HttpUpstream()
        network = Network(proxy="http://169.254.169.254:80")
        error = await failure(upstream.send(post("http://api.model.test/", network=network)))
        assert place(error) == ("address", "link_local")
        await upstream.close()

    run(main)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * 64_000,
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
    ],
)
def test_a_proxy_that_does_not_answer_as_one_is_a_connect_failure(answer: bytes) -> None:
    async def main() -> None:
        async def odd(exchange: Exchange) -> None:
            exchange.writer.write(answer)
            if not answer:
                exchange.cut()
            await exchange.gone()

        async with serving(odd) as proxy:
            upstream = HttpUpstream()
            network = Network(proxy=f"http://user:secret@127.0.0.1:{proxy.port}")
            error = await failure(upstream.send(post("https://api.model.test/", network=network)))
            assert place(error) == ("connect", "proxy")
            assert "secret" not in error.message
            await proxy.dropped.wait()
            await upstream.close()

    run(main)


def test_a_proxy_that_says_nothing_is_a_connect_timeout() -> None:
    async def main() -> None:
        async def mute(exchange: Exchange) -> None:
            await exchange.gone()

        async with serving(mute) as proxy:
            upstream = HttpUpstream()
            network = Network(proxy=f"http://127.0.0.1:{proxy.port}", connect_s=0.05)
            error = await failure(upstream.send(post("https://api.model.test/", network=network)))
            assert place(error) == ("connect", "timeout")
            await proxy.dropped.wait()
            await upstream.close()

    run(main)


def test_a_proxy_is_told_the_password_and_the_target_is_not(tls: Tls) -> None:
    async def main() -> None:
        async with serving(tls=tls.server) as server, serving(tunnel_to(server.port)) as proxy:
            upstream = HttpUpstream()
            network = tls.network(f"http://user:pass@127.0.0.1:{proxy.port}")
            await (await upstream.send(post(https(server), network=network))).read()
            assert proxy.exchanges[0].header("proxy-authorization") == "Basic dXNlcjpwYXNz"
            assert server.exchanges[0].header("proxy-authorization") == ""
            assert server.exchanges[0].head.startswith("POST /v1/x HTTP/1.1")
            await upstream.close()

    run(main)


def test_connections_of_other_tls_settings_are_not_shared(tls: Tls, tmp_path: Path) -> None:
    copied = tmp_path / "ca.pem"
    copied.write_bytes(Path(tls.ca_file).read_bytes())

    async def main() -> None:
        async with serving(tls=tls.server) as server:
            upstream = HttpUpstream()
            other = Network(allow_private=True, ca_file=str(copied))
            for network in (tls.network(), other):
                reply = await upstream.send(post(https(server), network=network))
                assert (await reply.read(), reply.connection) == (b"ok", "new")
            error = await failure(upstream.send(post(https(server))))
            assert place(error) == ("tls", "certificate")
            await upstream.close()

    run(main)


def test_a_large_body_and_a_large_reply_go_through_tls(tls: Tls) -> None:
    async def main() -> None:
        body = bytes(range(256)) * 20_000

        async def echo(exchange: Exchange) -> None:
            exchange.reply(exchange.body)
            await exchange.writer.drain()

        async with serving(echo, tls=tls.server) as server:
            upstream = HttpUpstream()
            reply = await upstream.send(post(https(server), body, tls.network()))
            assert await reply.read() == body
            assert (
                await upstream.send(post(https(server), network=tls.network()))
            ).connection == "reused"
            await upstream.close()

    run(main)
