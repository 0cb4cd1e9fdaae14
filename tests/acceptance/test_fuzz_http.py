"""Bytes that are hardly HTTP, and calls that follow the documents: no 5xx, no hang, served on.

A request gets an answer or its connection is closed; the server serves the next caller, and its
log holds no defect.
"""

import contextlib
import json
import random
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.acceptance.house import PATIENCE_S, Running, up

BODY = json.dumps({"model": "default", "messages": [{"role": "user", "content": "Hi"}]}).encode()
CHAT = b"/v1/chat/completions"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
KEY = "an-admin-key-of-the-fuzzers-own"
CLOSED = -1


@dataclass
class Site:
    running: Running
    port: int

    def talk(self, *pieces: bytes, replies: int = 1) -> list[int]:
        """Sends, and reads until so many final replies have come or the server closes.

        The statuses; the last is CLOSED where the server closed before that.
        """
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
            got = bytearray()
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while len(found := statuses(got)) < replies:
                    if not (data := connection.recv(65536)):
                        return [*found, CLOSED]
                    got += data
            except ConnectionError:
                return [*statuses(got), CLOSED]
            return found

    def leave(self, data: bytes) -> None:
        """Sends what may be half a request and ends its sending; the server has to close."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as connection:
            got = bytearray()
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while received := connection.recv(65536):
                    got += received
            except ConnectionError:
                pass
            assert all(status < 500 for status in statuses(got)), data

    def serves_on(self) -> None:
        assert self.running.chat(model="default").status == 200
        assert "defect" not in self.running.log
        assert "Traceback" not in self.running.log


def statuses(got: bytes | bytearray) -> list[int]:
    return [status for found in STATUS.findall(got) if (status := int(found)) != 100]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("fuzzed")
    with up(directory, environment={"PORTICO_ADMIN_KEY": KEY}) as running:
        running.ready = {**running.ready, "admin_key": KEY}
        yield Site(running, int(running.url.rpartition(":")[2]))


def was_sent(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except ConnectionError:
        return False
    return True


def head(start: bytes, *lines: bytes) -> bytes:
    own = (start, b"host: x", b"authorization: Bearer " + KEY.encode(), *lines)
    return b"\r\n".join(own) + b"\r\n\r\n"


def get(path: bytes, *lines: bytes) -> bytes:
    return head(b"GET " + path + b" HTTP/1.1", *lines)


def post(*lines: bytes, body: bytes = BODY, path: bytes = CHAT) -> bytes:
    """A call whose framing is up to `lines`."""
    return head(b"POST " + path + b" HTTP/1.1", *lines) + body


LENGTH = b"content-length: %d" % len(BODY)
CHUNKED = b"transfer-encoding: chunked"
IN_CHUNKS = b"%x;extension=1\r\n%b\r\n0\r\ntrailer: x\r\n\r\n" % (len(BODY), BODY)
H2C = (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABk")

REFUSED = {
    "two lengths": post(LENGTH, b"content-length: 3"),
    "the same length twice": post(LENGTH, LENGTH),
    "a length and chunks": post(LENGTH, CHUNKED),
    "chunks and a length": post(CHUNKED, LENGTH),
    "an unknown transfer coding": post(b"transfer-encoding: xchunked"),
    "chunked, but not last": post(b"transfer-encoding: chunked, identity"),
    "a vertical tab after chunked": post(b"transfer-encoding: chunked\x0b"),
    "a blank before the colon": post(b"transfer-encoding : chunked"),
    "a folded header": post(b"x: a\r\n b", LENGTH),
    "a chunk's size that is none": post(CHUNKED, body=b"ZZ\r\nabc\r\n0\r\n\r\n"),
    "a chunk's size without end": post(CHUNKED, body=b"F" * 18 + b"\r\nabc\r\n0\r\n\r\n"),
    "a negative chunk": post(CHUNKED, body=b"-1\r\nabc\r\n0\r\n\r\n"),
    "a chunk longer than its size": post(CHUNKED, body=b"3\r\nabcdef\r\n0\r\n\r\n"),
    "a length that is no integer": post(b"content-length: 1e3"),
    "a negative length": post(b"content-length: -1"),
    "a length with a sign": post(b"content-length: +5"),
    "a length beyond counting": post(b"content-length: 99999999999999999999"),
    "a header without a name": get(b"/healthz", b": b"),
    "a header's name of other letters": get(b"/healthz", b"x\xe9: b"),
    "a null in a header": get(b"/healthz", b"x: a\x00b"),
    "an option that is not UTF-8": post(LENGTH, b'x-portico-options: {"session": "\xff"}'),
    "options as deep as a head is long": post(
        LENGTH, b'x-portico-options: {"labels":{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}}"
    ),
    "line feeds alone": post(LENGTH).replace(b"\r\n", b"\n"),
    "a tunnel": head(b"CONNECT example.com:443 HTTP/1.1"),
    "a tunnel to a path": head(b"CONNECT /v1/models HTTP/1.1"),
    "everything's options": head(b"OPTIONS * HTTP/1.1"),
    "options of a door": head(b"OPTIONS " + CHAT + b" HTTP/1.1"),
    "the head of a door": head(b"HEAD " + CHAT + b" HTTP/1.1"),
    "a trace": head(b"TRACE / HTTP/1.1"),
    "a method in small letters": b"get / HTTP/1.1\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that is none": head(b"GET / HTTP/1.7"),
    "no version": b"GET /\r\n\r\n",
    "another server's name without a path": get(b"http://example.com"),
    "a query without a path": get(b"?x"),
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(100),
    "nulls": bytes(100),
    "a long path": get(b"/" + b"a" * 60_000),
    "a path too long": get(b"/" + b"a" * 100_000),
    "a path of escapes": get(b"/" + b"%41" * 20_000),
    "headers too many": get(b"/healthz", *([b"a: b"] * 20_000)),
    "trailers too large": post(CHUNKED, body=b"2\r\n{}\r\n0\r\na: " + b"x" * 900_000),
    "a chunk extension too large": post(CHUNKED, body=b"2;" + b"x" * 900_000),
    **{
        f"the path {path.decode('latin-1')}": get(path)
        for path in (
            *(b"/%00", b"/%zz", b"/%ff%fe", b"/\xc3\xa9", b"//", b"/..;/", b"/%2e%2e/%2e%2e/etc"),
            *(b"/v1/models/%00", b"/v1/models/%ed%a0%80", b"/v1/models/%f0%9f%98%80"),
            *(b"/admin/v1/%00", b"/admin/v1/calls/%00", b"/admin/v1/calls/%ff"),
            *(b"/admin/v1/calls?limit=%00", b"/admin/v1/calls?before=%ed%a0%80", b"/admin/v1//"),
            *(b"/admin/v1/calls?limit=99999999999999999999", b"/admin/v1/../../v1/models"),
        )
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_proper_request_is_refused(site: Site, case: str) -> None:
    (status, *closed) = site.talk(REFUSED[case])
    assert 400 <= status < 500 or status == CLOSED, status
    assert closed in ([], [CLOSED])
    site.serves_on()


SERVED: dict[str, Sequence[bytes]] = {
    "byte by byte": [bytes([byte]) for byte in post(LENGTH)],
    "in chunks": [post(CHUNKED, body=IN_CHUNKS)],
    "in chunks, byte by byte": [bytes([byte]) for byte in post(CHUNKED, body=IN_CHUNKS)],
    "after a 100": [post(LENGTH, b"expect: 100-continue")],
    "with an expectation nobody knows": [post(LENGTH, b"expect: tea")],
    "as to a proxy": [post(LENGTH, path=b"http://example.com" + CHAT)],
    "offering HTTP/2": [post(LENGTH, *H2C)],
    "offering HTTP/2, byte by byte": [bytes([byte]) for byte in post(LENGTH, *H2C)],
    "offering HTTP/2 with chunks": [post(CHUNKED, *H2C, body=IN_CHUNKS)],
    "offering a web socket": [post(LENGTH, b"connection: upgrade", b"upgrade: websocket")],
}


@pytest.mark.parametrize("case", SERVED)
def test_a_call_is_answered_however_its_bytes_come(site: Site, case: str) -> None:
    assert site.talk(*SERVED[case]) == [200]


def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    asked = get(b"/healthz") + get(b"/nothing") + post(LENGTH) + get(b"/v1/models")
    assert site.talk(asked, replies=4) == [200, 404, 200, 200]
    offering = get(b"/healthz", *H2C)
    assert site.talk(offering + get(b"/nothing") + offering, replies=3) == [200, 404, 200]


def test_a_connection_that_only_asks_is_closed_before_its_requests_fill_the_memory(
    site: Site,
) -> None:
    flood = get(b"/healthz") * 20_000
    with socket.create_connection(("127.0.0.1", site.port), PATIENCE_S) as connection:
        sent = sum(was_sent(connection, flood) for _ in range(50))
    assert sent < 50
    site.serves_on()


def test_a_call_answered_before_its_body_has_come_leaves_the_server_serving(site: Site) -> None:
    assert site.talk(post(b"content-length: 999999999"), b"x" * 1_000_000)[:1] == [413]
    site.serves_on()


def test_no_garbage_stops_the_server(site: Site) -> None:
    chance = random.Random(3)
    whole = [
        post(LENGTH),
        post(CHUNKED, body=IN_CHUNKS),
        get(b"/healthz", *H2C),
        get(b"/v1/models"),
    ]
    for _ in range(150):
        data = bytearray(chance.choice(whole) * chance.randint(1, 2))
        for _ in range(chance.randint(1, 5)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 4))
        site.leave(bytes(data))
        site.leave(chance.randbytes(chance.randint(1, 300)))
    site.serves_on()


# --- calls that follow the documents -------------------------------------------------------

TEXT = {"type": "string", "maxLength": 20}
MODEL = {"enum": ["default", "sim/echo", "nothing", ""]}


def operation(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    body = {"type": "object", "properties": properties, "required": required}
    return {
        "post": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": {
                "200": {"description": "An answer", "content": {"application/json": {}}},
                "default": {
                    "description": "An error",
                    "content": {
                        "application/json": {"schema": {"type": "object", "required": ["error"]}}
                    },
                },
            },
        }
    }


def messages(roles: list[str]) -> dict[str, Any]:
    part = {
        "type": "object",
        "properties": {"type": {"enum": ["text", "image_url", "new"]}, "text": TEXT},
        "required": ["type"],
    }
    content = {"anyOf": [TEXT, {"type": "array", "items": part, "maxItems": 3}]}
    message = {
        "type": "object",
        "properties": {"role": {"enum": roles}, "content": content, "name": TEXT},
        "required": ["role", "content"],
    }
    return {"type": "array", "items": message, "maxItems": 3}


NUMBER = {"type": "number"}
DOORS_DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "The doors", "version": "1"},
    "paths": {
        "/v1/chat/completions": operation(
            {
                "model": MODEL,
                "messages": messages(["system", "user", "assistant", "tool", "pirate"]),
                "temperature": NUMBER,
                "n": {"type": "integer"},
                "max_tokens": {"type": "integer"},
                "stop": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "maxItems": 5}]},
                "tools": {"type": "array", "items": {"type": "object"}, "maxItems": 2},
                "response_format": {"type": "object"},
            },
            ["model", "messages"],
        ),
        "/v1/embeddings": operation(
            {
                "model": MODEL,
                "input": {"anyOf": [TEXT, {"type": "array", "maxItems": 3}]},
                "dimensions": {"type": "integer"},
            },
            ["model", "input"],
        ),
        "/v1/messages": operation(
            {
                "model": MODEL,
                "max_tokens": {"type": "integer"},
                "messages": messages(["user", "assistant", "pirate"]),
                "system": {"anyOf": [TEXT, {"type": "array", "maxItems": 2}]},
                "top_k": {"type": "integer"},
                "tool_choice": {"type": "object"},
                "metadata": {"type": "object"},
            },
            ["model", "max_tokens", "messages"],
        ),
    },
}
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
EXAMPLES = 8
"""Calls for each operation and mode: within its schema, and outside of it."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
    content_type_conformance,
]


def call_all(document: dict[str, Any], base: str) -> set[str]:
    """Calls every operation of a document; its answers are checked against it."""
    schema = schemathesis.openapi.from_dict(document)
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {
        described.label
        for described in found
        if sum(call_some(described, mode, base) for mode in GenerationMode)
    }


def call_some(described: Operation, mode: GenerationMode, base: str) -> int:
    """How many calls were made; none where an operation has nothing that could be wrong."""
    made: list[int] = []

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=described.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=base, headers=AUTHORIZED, timeout=PATIENCE_S)
        case.validate_response(answer, checks=CHECKS)
        made.append(answer.status_code)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        call()
    return len(made)


def labels(document: dict[str, Any]) -> set[str]:
    paths = document["paths"].items()
    return {f"{method.upper()} {path}" for path, methods in paths for method in methods}


def test_the_doors_answer_as_their_document_says(site: Site) -> None:
    assert call_all(DOORS_DOCUMENT, site.running.url) == labels(DOORS_DOCUMENT)
    site.serves_on()


def test_the_administrative_api_answers_as_its_own_document_says(tmp_path: Path) -> None:
    with up(tmp_path, environment={"PORTICO_ADMIN_KEY": KEY}) as running:
        document = running.ask("/admin/v1/openapi.json", key=KEY).json
        assert call_all(document, running.url) == labels(document)
        assert running.ask("/admin/v1/status", key=KEY).status == 200
        assert "defect" not in running.log
