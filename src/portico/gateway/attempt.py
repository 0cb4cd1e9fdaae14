"""One attempt: a request written for one upstream, sent, and its answer carried back."""

from collections.abc import Mapping
from typing import Final

import msgspec

from portico.contract.budget import Hold
from portico.contract.call import WireRequest
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Answer
from portico.contract.ports import (
    AwsCredentials,
    Connection,
    Upstream,
    UpstreamReply,
    UpstreamRequest,
)
from portico.contract.receipt import AttemptStatus, CallStatus
from portico.contract.wires import Door, Outgoing, ProviderWire, Relay, Skim, Target
from portico.gateway.call import Call
from portico.gateway.lifeline import Reason
from portico.gateway.shelf import Route
from portico.gateway.trail import AttemptTrail
from portico.gateway.translation import Naming, Translation
from portico.gateway.wires import WIRES
from portico.wires.places import in_words_of

FORWARDED: Final = (b"anthropic-version", b"anthropic-beta")
"""Headers of the caller that a provider of the same wire gets to see."""
MAX_ERROR_BYTES: Final = 64 * 1024
DEFECT: Final = "Portico failed to serve this call; the log has the place under the call's id."
ATTEMPT_STATUS: Final[Mapping[str, AttemptStatus]] = {
    "gone": "cancelled",
    "stopping": "cancelled",
    "deadline": "timeout",
}


class Attempt:
    """A request that is ready to go, and what is seen of its answer."""

    __slots__ = (
        "call",
        "connection",
        "door",
        "hold",
        "outgoing",
        "request",
        "skim",
        "trail",
        "translated",
        "upstream",
        "wire",
    )

    def __init__(
        self, call: str, door: Door, request: WireRequest, wire: ProviderWire, trail: AttemptTrail
    ) -> None:
        self.call = call
        self.door = door
        self.request = request
        self.wire = wire
        self.trail = trail
        self.translated = trail.attempt.translated
        self.skim = Skim()
        self.hold: Hold | None = None
        """What is reserved for it and not settled yet."""
        self.connection: Connection
        self.outgoing: UpstreamRequest
        self.upstream: Upstream

    @property
    def naming(self) -> Naming:
        return Naming(id=self.call, model=self.trail.attempt.model_id, created=self.trail.started_s)


def prepare(call: Call, route: Route, cap: int, upstream: Upstream, identity: str) -> Attempt:
    """Writes the request in the provider's wire. Raises InvalidRequest for what it cannot say."""
    request, connection, model = call.request, route.connection, route.model
    assert request is not None
    wire = WIRES[connection.wire(request.operation)]
    target = Target(
        model_id=model.id,
        stands_for=model.stands_for,
        stream=request.stream,
        max_output_tokens=cap,
        cap_field=connection.cap_field(),
    )
    forwarded: dict[str, str] = {}
    if translated := wire.name != request.wire:
        written = translate(call.door, wire, request, target)
    else:
        written = wire.passthrough(request, target)
        headers = call.arrival.headers
        for name in FORWARDED:
            if value := headers.get(name):
                forwarded[name.decode()] = value.decode("latin-1")
    trail = AttemptTrail(identity, route, call.trail.clock, len(written.body))
    trail.attempt.wire = wire.name
    trail.attempt.translated = translated
    trail.attempt.dropped = written.dropped
    attempt = Attempt(call.id, call.door, request, wire, trail)
    attempt.connection = connection
    attempt.upstream = upstream
    attempt.outgoing = connection.request(
        request.operation, model.id, written.body, request.stream, forwarded
    )
    return attempt


def translate(door: Door, wire: ProviderWire, request: WireRequest, target: Target) -> Outgoing:
    """Raises InvalidRequest for what the wire cannot say, named as the caller has it."""
    if request.operation == "embeddings":
        return wire.write_embedding(door.embedding(request), target)
    conversation = door.conversation(request)
    try:
        return wire.write_request(conversation, target)
    except InvalidRequest as refused:
        raise in_words_of(conversation, refused) from None


async def send(attempt: Attempt, credentials: AwsCredentials) -> UpstreamReply:
    """Signs and sends the request. Raises what the upstream's error reply means."""
    identity = attempt.connection.identity
    if identity is not None:
        secret = await credentials.secret(identity)
        now_ns = attempt.trail.clock.now_ns()
        attempt.outgoing = attempt.connection.sign(attempt.outgoing, secret, now_ns)
    reply = await attempt.upstream.send(attempt.outgoing)
    attempt.trail.answered(reply)
    if reply.status < 300:
        return reply
    try:
        body = (await reply.read())[:MAX_ERROR_BYTES]
        # an error may be billed, and then says how much
        attempt.skim = Skim(usage=attempt.wire.skim(body).usage)
        raise attempt.wire.read_error(reply.status, reply.headers, body)
    finally:
        await reply.close()


async def whole(attempt: Attempt, credentials: AwsCredentials) -> bytes:
    """The answer as a body for the caller."""
    reply = await send(attempt, credentials)
    try:
        body = await reply.read()
    finally:
        await reply.close()
    attempt.trail.token()
    if not attempt.translated:
        attempt.skim = attempt.wire.skim(body)
        if attempt.skim.failed is not None:
            raise attempt.skim.failed
        return body
    if attempt.request.operation == "embeddings":
        return _vectors(attempt, body)
    try:
        answer = attempt.naming.complete(attempt.wire.read_answer(body))
    except PorticoError:
        attempt.skim = attempt.wire.skim(body)
        raise
    attempt.skim = skim_answer(answer)
    return attempt.door.write_answer(answer)


def _vectors(attempt: Attempt, body: bytes) -> bytes:
    answer = attempt.wire.read_vectors(body)
    attempt.skim = Skim(
        model=answer.model, usage=answer.usage, has_content=bool(answer.vectors), complete=True
    )
    wanted = attempt.door.embedding(attempt.request).encoding
    return attempt.door.write_vectors(msgspec.structs.replace(answer, encoding=wanted))


def relay(attempt: Attempt) -> Relay:
    """What carries the stream: bytes as they are on one wire, events between two."""
    carrier: Relay
    if attempt.translated:
        carrier = Translation(
            attempt.wire.stream_reader(),
            attempt.door.stream_writer(attempt.request),
            attempt.naming,
        )
    else:
        carrier = attempt.wire.relay(attempt.request)
    attempt.skim = carrier.skim
    return carrier


def skim_answer(answer: Answer) -> Skim:
    parts = [part for choice in answer.choices for part in choice.parts]
    size = 0
    for part in parts:
        text: str = getattr(part, "text", None) or getattr(part, "arguments", None) or ""
        size += len(text.encode())
    return Skim(
        model=answer.model,
        stop=answer.choices[0].stop if answer.choices else None,
        usage=answer.usage,
        output_bytes=size,
        has_content=bool(parts),
        complete=True,
    )


def attempt_status(reason: Reason | None) -> AttemptStatus:
    """How an attempt without an answer ended: by a cut from outside, or by its error."""
    return ATTEMPT_STATUS.get(reason or "", "failed")


def call_status(reason: Reason | None, sent: bool) -> CallStatus:
    """How a call without an answer ended. `sent`: an attempt was made for it."""
    if reason in ("gone", "stopping"):
        return "cancelled"
    return "failed" if sent else "refused"
