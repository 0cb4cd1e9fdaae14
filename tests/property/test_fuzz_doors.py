"""Whatever a caller and a provider send, the caller gets a well-formed reply of its wire.

Mutated requests of every door go through a whole gateway in memory, to a provider that answers
with valid or spoiled bytes. No reply is an internal fault, and nothing is logged as a defect.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.seed_requests import PATHS, REQUESTS
from tests.property.seeds import ALL_ANSWERS, ALL_STREAMS, ANSWERS, STREAMS
from tests.property.test_fuzz_decoders import JSON, edited, spoiled
from tests.unit.gateway.harness import EVENT_HEADERS, JSON_HEADERS, Got, Site
from uvicorn.server import ServerState

from portico.adapters.memory.upstream import Scripted
from portico.contract.ports import UpstreamRequest
from portico.gateway.app import CALLS
from portico.gateway.server import HEAD_SECONDS, MOST_PIPELINED, Protocol
from portico.gateway.wires import DOORS

OURS = frozenset({"upstream_failed", "overloaded", "deadline_exceeded"})
"""The errors above 499 that a provider can cause. docs/reference/errors.md"""
SPOKEN = {"/v1/messages": "anthropic_messages", "/v1/embeddings": "openai_embeddings"}
FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORKLOADS = st.sampled_from(["support", "deep", "unpriced", "default"])


def wire_of(sent: UpstreamRequest) -> str:
    path = next((path for path in SPOKEN if sent.url.endswith(path)), "")
    return SPOKEN.get(path, "openai_chat")


def provider(reply: Callable[[str, bool], Scripted]) -> Site:
    """A site whose provider's reply depends on its wire and on whether a stream was asked for."""

    def script(sent: UpstreamRequest) -> Scripted:
        return reply(wire_of(sent), json.loads(sent.body).get("stream") is True)

    return Site(script)  # type: ignore[arg-type]  # the upstream takes a function as well


def valid(wire: str, stream: bool) -> Scripted:
    if stream:
        return Scripted(headers=EVENT_HEADERS, body=(STREAMS[wire][0],))
    return Scripted(headers=JSON_HEADERS, body=(ANSWERS[wire][0],))


def ask(site: Site, door: str, body: bytes, headers: dict[str, str] | None = None) -> Got:
    return asyncio.run(site.request("POST", PATHS[door], body, headers, key="admin"))


def is_well_formed(door: str, got: Got) -> None:
    """A whole answer, a whole stream or an error, in the shape of the door's wire."""
    assert got.ended
    assert got.status < 500 or got.headers["x-portico-error"] in OURS, got.body[:300]
    assert got.headers.get("x-portico-error") != "internal_fault"
    if not got.headers["content-type"].startswith("text/event-stream"):
        body = json.loads(got.body)
        assert (got.status == 200) is ("error" not in body)
        assert got.status == 200 or body["error"]["message"]
        return
    assert got.status == 200
    assert got.body.endswith(b"\n\n")
    assert b"internal_fault" not in got.body
    if door == "anthropic_messages":
        assert b"event: message_stop" in got.body or b"event: error" in got.body
    else:
        assert got.body.endswith(b"data: [DONE]\n\n") or b'data: {"error"' in got.body


def is_settled(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert len(site.receipts) == 1
    assert site.receipt.error != "internal_fault"
    assert not site.app.gate.lifelines


def test_the_seeds_cover_every_door() -> None:
    assert PATHS.keys() == REQUESTS.keys()
    for path, door in CALLS.items():
        assert PATHS[door.name] == path
    for door_name in PATHS:
        assert door_name in DOORS


@pytest.mark.parametrize("door", REQUESTS)
def test_the_seeds_are_valid(door: str) -> None:
    for body in REQUESTS[door]:
        site = provider(valid)
        got = ask(site, door, json.dumps({**body, "model": "support"}).encode())
        assert got.status == 200, got.body
        is_well_formed(door, got)


@pytest.mark.parametrize("door", REQUESTS)
@given(data=st.data())
@FEW
def test_a_request_of_another_shape_gets_a_clear_reply(
    door: str, data: st.DataObject, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    body = data.draw(edited(list(REQUESTS[door])))
    if isinstance(body, dict) and data.draw(st.booleans()):
        body["model"] = data.draw(WORKLOADS)
    text = json.dumps(body, ensure_ascii=data.draw(st.booleans()))
    site = provider(valid)
    is_well_formed(door, ask(site, door, text.encode("utf-8", "surrogatepass")))
    is_settled(site, caplog)


@pytest.mark.parametrize("door", REQUESTS)
@given(data=st.data())
@FEW
def test_bytes_that_were_a_request_get_a_clear_reply(
    door: str, data: st.DataObject, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    whole = tuple(json.dumps(body).encode() for body in REQUESTS[door])
    site = provider(valid)
    is_well_formed(door, ask(site, door, data.draw(spoiled(whole))))
    is_settled(site, caplog)


VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=30)
OPTIONS = JSON.map(json.dumps) | st.dictionaries(
    st.sampled_from(["session", "tags", "labels", "deadline_ms", "cache", "context"]), JSON
).map(json.dumps)


@pytest.mark.parametrize("door", REQUESTS)
@given(options=OPTIONS | VALUES, key=VALUES, version=VALUES)
@FEW
def test_headers_of_any_text_get_a_clear_reply(
    door: str, options: str, key: str, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    headers = {
        "x-portico-options": options.encode("ascii", "replace").decode("ascii"),
        "idempotency-key": key,
        "anthropic-version": version,
    }
    body = json.dumps({**REQUESTS[door][0], "model": "support"}).encode()
    site = provider(valid)
    is_well_formed(door, ask(site, door, body, headers))
    is_settled(site, caplog)


@pytest.mark.parametrize("options", ['{"session": "\xff"}', '{"labels": {"a":' + "[" * 50_000])
def test_options_in_a_header_are_held_to_what_holds_for_a_body(options: str) -> None:
    site = provider(valid)
    body = json.dumps({**REQUESTS["openai_chat"][1], "model": "support"}).encode()
    got = ask(site, "openai_chat", body, {"x-portico-options": options})
    assert (got.status, got.json["error"]["param"]) == (400, "x-portico-options")


STATUSES = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 418, 429, 500, 503, 529, 599])


@st.composite
def replies(draw: st.DrawFn) -> Callable[[str, bool], Scripted]:
    """A provider's reply: any status, bytes of its wire spoiled, another's, or none."""
    status = draw(STATUSES)
    before = draw(st.integers(0, 60))
    data = draw(
        st.one_of(
            st.binary(max_size=60),
            spoiled(ALL_ANSWERS),
            spoiled(ALL_STREAMS),
            JSON.map(lambda body: json.dumps(body).encode()),
        )
    )
    own = draw(st.booleans())
    cut = draw(st.none() | st.integers(0, 2000))

    def reply(wire: str, stream: bool) -> Scripted:
        seed = (STREAMS if stream and wire in STREAMS else ANSWERS)[wire][0]
        whole = seed[: len(seed) * before // 60] + data if own else data
        pieces: tuple[bytes | Exception, ...] = (whole[: cut or 0], whole[cut or 0 :])
        if cut is not None and cut % 5 == 0:
            pieces = (pieces[0], ConnectionResetError())
        headers = EVENT_HEADERS if stream else JSON_HEADERS
        return Scripted(status=status, headers=headers, body=pieces)

    return reply


PLAIN: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "openai_embeddings": {"input": "Hi"},
    "anthropic_messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
}


@pytest.mark.parametrize("door", PLAIN)
@given(reply=replies(), model=WORKLOADS, stream=st.booleans())
@settings(FEW, max_examples=60)
def test_a_provider_that_answers_nonsense_costs_its_caller_a_clear_error_at_most(
    door: str,
    reply: Callable[[str, bool], Scripted],
    model: str,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.clear()
    site = provider(reply)
    body = json.dumps({**PLAIN[door], "model": model, "stream": stream}).encode()
    is_well_formed(door, ask(site, door, body))
    is_settled(site, caplog)


# --- the connection under the doors --------------------------------------------------------


@dataclass
class Timer:
    after: float
    fire: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """The running loop, but that time passes only when a test says so."""

    def __init__(self) -> None:
        self.set: list[Timer] = []
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, after: float, fire: Callable[[], object]) -> Timer:
        self.set.append(Timer(after, fire))
        return self.set[-1]

    def pass_time(self, seconds: float) -> None:
        for timer in self.set:
            if timer.after <= seconds and not timer.cancelled:
                timer.fire()


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answers before the body has come."""
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def connect() -> tuple[Protocol, Wire, Timers]:
    timers, wire = Timers(), Wire()
    config = uvicorn.Config(refuse, ws="none", lifespan="off", log_config=None)
    config.load()
    protocol = Protocol(config, ServerState(), {}, head_bytes=1000, _loop=timers)
    protocol.connection_made(wire)
    return protocol, wire, timers


POST = b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize(("rest", "closed"), [(b"x", True), (b"x" * 10, False)])
def test_a_call_that_was_answered_early_may_not_hold_its_connection_for_ever(
    rest: bytes, closed: bool
) -> None:
    async def main() -> None:
        protocol, wire, timers = connect()
        protocol.data_received(POST)
        await asyncio.gather(*protocol.tasks)
        assert b" 413 " in wire.sent
        protocol.data_received(rest)
        timers.pass_time(HEAD_SECONDS)
        assert wire.closed is closed

    asyncio.run(main())


def test_nothing_is_read_while_answers_to_earlier_requests_wait() -> None:
    async def main() -> None:
        protocol, wire, _ = connect()
        get = b"GET / HTTP/1.1\r\n\r\n"
        protocol.data_received(get * (MOST_PIPELINED + 1))
        assert not wire.closed
        while protocol.pipeline:
            assert not wire.reading
            await asyncio.gather(*protocol.tasks)
        await asyncio.gather(*protocol.tasks)
        assert wire.reading
        assert wire.sent.count(b" 413 ") == MOST_PIPELINED + 1
        protocol.data_received(get * (MOST_PIPELINED + 2))
        assert wire.closed

    asyncio.run(main())
