"""Bedrock end to end: our connection, credentials and upstream against a server that checks every
signature with botocore, as AWS does with its own code."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from portico.adapters.clock import SystemClock
from portico.adapters.memory.credentials import MemoryCredentials
from portico.adapters.upstream import HttpUpstream
from portico.contract.ports import AwsSecret, Connection, UpstreamRequest
from portico.contract.snapshot import Network, Provider
from portico.providers.bedrock.connection import connect

SECRET = AwsSecret(access_key="AKIAHERE", secret_key="good-secret", token="session/+token==")
STAMP = "%Y%m%dT%H%M%SZ"
MOST_SKEW_S = 300
IDS = (
    "amazon.nova-lite-v1:0",
    "eu.anthropic.claude-sonnet-4-6",
    "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc123def456",
    "arn:aws:bedrock:…:provisioned-model/Ünal",
)


class Bedrock(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Bedrock
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["content-length"])))

    def _serve(self, body: bytes) -> None:
        if self._accepted(self.headers.get("authorization", ""), body):
            self._answer(200, {"path": self.path, "length": len(body)})
        else:
            self._answer(403, {"message": "The request signature we calculated does not match"})

    def _accepted(self, given: str, body: bytes) -> bool:
        if given.startswith("Bearer "):
            return given == "Bearer ABSK-good"
        session = self.headers.get("x-amz-security-token", "")
        return session == SECRET.token and given == self._expected(given, body)

    def _expected(self, given: str, body: bytes) -> str:
        """The header that botocore makes of what came over the wire."""
        stamp = self.headers.get("x-amz-date", "")
        skew = (
            SystemClock().now_ns() / 1e9
            - datetime.strptime(stamp + "+0000", f"{STAMP}%z").timestamp()
        )
        if abs(skew) > MOST_SKEW_S:
            return "expired"
        names = given.split("SignedHeaders=")[1].partition(",")[0].split(";")
        kept = {name: self.headers[name] for name in names}
        url = f"http://{self.headers['host']}{self.path}"
        request = AWSRequest(method=self.command, url=url, data=body, headers=kept)
        request.context["timestamp"] = stamp
        credentials = Credentials(SECRET.access_key, SECRET.secret_key, SECRET.token)
        signer = SigV4Auth(credentials, "bedrock", "eu-west-1")
        text = signer.string_to_sign(request, signer.canonical_request(request))
        scope = signer.scope(request)
        signature = signer.signature(text, request)
        return (
            f"AWS4-HMAC-SHA256 Credential={scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )

    def _answer(self, status: int, body: dict[str, object]) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Says nothing."""


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    server = Bedrock()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def connected(bedrock: Bedrock, api_key: str = "") -> Connection:
    network = Network(allow_private=True)
    provider = Provider(
        name="b", kind="bedrock", region="eu-west-1", base_url=bedrock.url, network=network
    )
    return connect(provider, api_key)


async def signed(
    connection: Connection, plain: UpstreamRequest, secret: AwsSecret
) -> UpstreamRequest:
    assert connection.identity is not None
    found = await MemoryCredentials(secret).secret(connection.identity)
    return connection.sign(plain, found, SystemClock().now_ns())


def sent(requests: list[UpstreamRequest]) -> list[tuple[int, bytes]]:
    async def main() -> list[tuple[int, bytes]]:
        upstream = HttpUpstream()
        try:
            replies = [await upstream.send(request) for request in requests]
            return [(reply.status, await reply.read()) for reply in replies]
        finally:
            await upstream.close()

    return asyncio.run(main())


@pytest.mark.parametrize("model_id", IDS)
def test_a_signed_request_is_accepted_as_it_arrives(bedrock: Bedrock, model_id: str) -> None:
    connection = connected(bedrock)
    bodies = (b'{"messages":[]}', "Grüße 🦊".encode() * 40_000)
    plain = [connection.request("chat", model_id, body, True, {}) for body in bodies]

    async def main() -> list[UpstreamRequest]:
        return [await signed(connection, request, SECRET) for request in plain]

    replies = sent(asyncio.run(main()))
    assert [status for status, _ in replies] == [200, 200]
    assert [json.loads(body)["length"] for _, body in replies] == [len(body) for body in bodies]
    assert all(b"/converse-stream" in body for _, body in replies)


def test_the_probe_is_signed_too(bedrock: Bedrock) -> None:
    connection = connected(bedrock)
    ((status, body),) = sent([asyncio.run(signed(connection, connection.probe(), SECRET))])
    assert (status, json.loads(body)["path"]) == (200, "/foundation-models")


@pytest.mark.parametrize(
    "wrong",
    [
        AwsSecret(access_key="AKIAHERE", secret_key="bad-secret", token=SECRET.token),
        AwsSecret(access_key="AKIAOTHER", secret_key="good-secret", token=SECRET.token),
        AwsSecret(access_key="AKIAHERE", secret_key="good-secret", token="older"),
    ],
)
def test_a_wrong_secret_is_refused(bedrock: Bedrock, wrong: AwsSecret) -> None:
    connection = connected(bedrock)
    plain = connection.request("chat", IDS[0], b"{}", False, {})
    request = asyncio.run(signed(connection, plain, wrong))
    ((status, _),) = sent([request])
    assert status == 403


def test_an_api_key_needs_no_signature(bedrock: Bedrock) -> None:
    good = connected(bedrock, "ABSK-good").request("chat", IDS[0], b"{}", False, {})
    bad = connected(bedrock, "ABSK-bad").request("chat", IDS[0], b"{}", False, {})
    assert [status for status, _ in sent([good, bad])] == [200, 403]
