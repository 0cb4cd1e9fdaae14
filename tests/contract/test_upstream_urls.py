"""URLs and headers as they are understood and written, without a connection."""

import asyncio

import pytest
from tests.contract.upstream_servers import failure, place

from portico.adapters.upstream.headers import Headers
from portico.adapters.upstream.route import Routes, parse
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Network


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "named", "target"),
    [
        ("http://a.test", "http", "a.test", 80, "a.test", "/"),
        ("https://a.test/", "https", "a.test", 443, "a.test", "/"),
        ("HTTPS://A.Test:443/P", "https", "a.test", 443, "a.test", "/P"),
        ("https://a.test:80/", "https", "a.test", 80, "a.test:80", "/"),
        ("http://a.test:/x", "http", "a.test", 80, "a.test", "/x"),
        ("http://a.test?q=1", "http", "a.test", 80, "a.test", "/?q=1"),
        ("http://a.test/x#part", "http", "a.test", 80, "a.test", "/x"),
        ("http://a.test#part", "http", "a.test", 80, "a.test", "/"),
        ("http://a.test./x", "http", "a.test.", 80, "a.test", "/x"),
        ("http://a_b.test:8000/x", "http", "a_b.test", 8000, "a_b.test:8000", "/x"),
        ("http://[::1]:8080/x", "http", "::1", 8080, "[::1]:8080", "/x"),
        ('http://a.test/%7E/../%3a//?%20="|"', "http", "a.test", 80, "a.test", None),
        ("http://a.test\\@b.test/", "http", "a.test", 80, "a.test", "/\\@b.test/"),
        ("https://bücher.test/x", "https", "xn--bcher-kva.test", 443, "xn--bcher-kva.test", "/x"),
        ("http://a.test/ü?ü=%c3", "http", "a.test", 80, "a.test", "/%C3%BC?%C3%BC=%c3"),
    ],
)
def test_a_url_is_understood_and_kept_byte_for_byte(
    url: str, scheme: str, host: str, port: int, named: str, target: str | None
) -> None:
    parsed = parse(url)
    assert parsed is not None
    assert (parsed.scheme, parsed.host, parsed.port) == (scheme, host, port)
    assert parsed.named == named
    assert parsed.target == (url.removeprefix("http://a.test") if target is None else target)
    assert parsed.user is None


@pytest.mark.parametrize(
    "url",
    [
        "//a.test/",
        "file:///etc/passwd",
        "http:///x",
        "http://:80/",
        "http://a.test:0/",
        "http://a.test:65536/",
        "http://a.test:٨٠/",
        "http://a.test:80:80/",
        "http://a%2etest/",
        "http://a.test\t/",
        "http://a.test/\x7f",
        "http://[::1]x/",
        "http://[bücher]/",
        "http://a\uff0fb.test/",
        "http://a\uff20b.test/",
        "http://stra\u00dfe.test/",
        "http://\ud800.test/",
    ],
)
def test_what_is_no_url_is_not_understood(url: str) -> None:
    assert parse(url) is None


@pytest.mark.parametrize("userinfo", ["user", "user:pass", "user:p@ss", "ü:x", ""])
def test_a_user_in_a_url_is_seen(userinfo: str) -> None:
    parsed = parse(f"http://{userinfo}@a.test/")
    assert parsed is not None
    assert (parsed.user, parsed.host) == (userinfo, "a.test")


def written(*headers: tuple[str, str], network: Network | None = None) -> list[str]:
    async def main() -> bytes:
        at = network or Network()
        route = await Routes().work_out("http://a.test/v1", at)
        request = UpstreamRequest(
            method="POST", url="http://a.test/v1", headers=headers, body=b"{}", network=at
        )
        head = route.head(request)
        assert route.head(request) == head
        return head

    head = asyncio.run(main()).decode()
    assert head.endswith("\r\n\r\n")
    return head.split("\r\n")[:-2]


def test_a_head_names_what_the_request_does_not() -> None:
    assert written(("X-A", "b"), ("accept", "text/event-stream"))[:3] == [
        "POST /v1 HTTP/1.1",
        "Host: a.test",
        "Accept-Encoding: identity",
    ]
    lines = written(("user-agent", "mine"), ("HOST", "b.test"))
    assert "user-agent: mine" in lines
    assert "HOST: b.test" in lines
    assert not any(line.startswith(("User-Agent:", "Host:")) for line in lines)
    assert lines[-1] == "Content-Length: 2"


def test_credentials_of_a_proxy_go_to_the_proxy_only() -> None:
    lines = written(network=Network(proxy="http://user:p%40ss@127.0.0.1:1"))
    assert lines[0] == "POST http://a.test/v1 HTTP/1.1"
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in lines
    assert not any(line.startswith("Proxy-") for line in written())


@pytest.mark.parametrize(
    "header",
    [
        ("x-a", "b\r\nx-evil: 1"),
        ("x-a", "b\nc"),
        ("x-a", "b\0"),
        ("x-a", "\ud800"),
        ("x a", "b"),
        ("x-a\r\nx-evil", "b"),
        ("x-a:", "b"),
        ("", "b"),
        ("x-ä", "b"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
    ],
)
def test_a_header_that_would_change_the_message_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        written(header)
    assert place(caught.value) == ("first_byte", "header")
    assert "evil" not in caught.value.message


def test_a_head_follows_the_headers_of_its_request() -> None:
    async def main() -> None:
        route = await Routes().work_out("http://a.test/v1", Network())
        for value in ("one", "two", "one"):
            request = UpstreamRequest(
                method="POST", url="http://a.test/v1", headers=(("x-a", value),), body=b""
            )
            assert f"\r\nx-a: {value}\r\n".encode() in route.head(request)

    asyncio.run(main())


def test_what_is_sent_to_a_user_in_a_url_is_refused() -> None:
    async def main() -> None:
        error = await failure(Routes().work_out("https://user:secret@a.test/", Network()))
        assert place(error) == ("address", "url")
        assert "secret" not in error.message

    asyncio.run(main())


def test_names_of_header_fields_compare_without_regard_to_case() -> None:
    headers = Headers.of([("X-Request-Id", "r1 \t"), ("x-REQUEST-id", "r2"), ("A", "ü")])
    assert headers["x-request-ID"] == "r1"
    assert headers.get("X-REQUEST-ID") == "r1"
    assert headers.get("x-missing") is None
    assert headers.get("x-missing", "") == ""
    assert "X-Request-ID" in headers
    assert "x-missing" not in headers
    assert dict(headers) == {"x-request-id": "r1", "a": "ü"}
    assert len(headers) == 2
    assert "r1" not in repr(headers)


def test_further_lines_of_a_coding_are_not_forgotten() -> None:
    headers = Headers.of([("content-encoding", "gzip"), ("Content-Encoding", "br")])
    assert headers["content-encoding"] == "gzip, br"
