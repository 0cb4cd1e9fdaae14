"""What every decoder promises, as functions that take any bytes and raise where it is broken.

Used by the property tests (generated input) and by `benchmarks/fuzz.py` (coverage-guided). A
target is made for each door and each wire of the gateway's tables, so a new wire is covered on
the day it is listed.

The promises: only `PorticoError` leaves a decoder; what is read can be written for every door;
what comes out is bounded by what went in; and how the bytes were cut makes no difference.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec

from portico.contract.call import WireRequest
from portico.contract.errors import InvalidRequest, PorticoError
from portico.contract.events import Event, Failed
from portico.contract.wires import Door, ProviderWire, Relay, Skim, Target
from portico.gateway.translation import Naming, Translation
from portico.gateway.wires import DOORS, WIRES
from portico.wires import members
from portico.wires.sse import SseFrame, SseReader

Check = Callable[[bytes], None]

NESTING = 100
GROWTH = 100
"""Bytes that one byte of input may become: a short delta in a frame of its own, in any wire."""
SLACK = 4096
"""Bytes that may come out of nothing: heads, tails, an error."""
PORTICO = b'{"call":"call_1"}'
NAMING = Naming(id="call_1", model="model", created=1)
TARGET = Target(model_id="other-model", stream=True, max_output_tokens=100)


def request(wire: str) -> WireRequest:
    """A call as the wires' relays and writers see it."""
    return WireRequest(
        wire=wire,
        operation="embeddings" if "embeddings" in wire else "chat",
        body=b"{}",
        model="m",
        stream=True,
        wants_usage=True,
    )


def cuts(data: bytes) -> list[bytes]:
    """The bytes in pieces whose places follow from the bytes themselves, so that they repeat."""
    places = {0, len(data)}
    place = seed = len(data) + sum(data[:64])
    while place < 40 * len(data) and len(places) < 60:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        place += 1 + seed % max(1, len(data))
        places.add(place % (len(data) + 1))
    return [data[start:end] for start, end in pairwise(sorted(places))]


def bounded(out: int, given: int) -> None:
    assert out <= GROWTH * given + SLACK, f"{given} bytes became {out}"


def parsed(text: bytes) -> Any:
    return json.loads(text.decode("utf-8"))


def said(error: PorticoError | None) -> tuple[str, str] | None:
    return None if error is None else (error.code, error.message)


def seen(event: Event) -> object:
    return said(event.error) if isinstance(event, Failed) else event


def noticed(skim: Skim) -> tuple[object, ...]:
    plain = msgspec.structs.replace(skim, failed=None)
    return (msgspec.structs.astuple(plain), said(skim.failed))


def errors_are_written(error: PorticoError) -> None:
    assert error.message
    for door in DOORS.values():
        assert isinstance(parsed(door.write_error(error, "call_1")), dict)


# --- framing -------------------------------------------------------------------------------


def sse(data: bytes) -> None:
    """Frames keep every byte, and are the same for every cut."""

    def read(pieces: Sequence[bytes]) -> list[SseFrame]:
        reader = SseReader(1 << 16)
        frames: list[SseFrame] = []
        for piece in pieces:
            frames += reader.feed(piece)
        return frames + reader.close()

    try:
        whole = read([data])
    except PorticoError:
        return
    assert b"".join(frame.raw for frame in whole) == data
    assert read(cuts(data)) == whole


def scan(data: bytes) -> None:
    """What is accepted is one JSON object to every reader, and edits change only what they name."""
    try:
        found, spans = members.scan(data, NESTING)
    except InvalidRequest:
        return
    body = parsed(data)
    assert list(body) == list(found) == [name for name, *_ in spans]
    pairs: list[tuple[str, object]] = json.loads(data, object_pairs_hook=list)
    assert len(pairs) == len(body), "a member came twice"
    for name, key, start, end in spans:
        assert same(parsed(data[start:end]), body[name])
        assert parsed(data[key:start].rstrip(b" \t\r\n").rstrip(b":")) == name
    first = spans[0][0] if spans else "x"
    edited = parsed(members.edit(data, spans, {}, (first,), {"portico": b"1"}))
    kept = {name: value for name, value in body.items() if name not in (first, "portico")}
    assert same({name: value for name, value in edited.items() if name != "portico"}, kept)
    assert edited["portico"] == 1 or "portico" in body


def same(one: object, other: object) -> bool:
    """Equal as text: 1, 1.0 and True are not."""
    return json.dumps(one) == json.dumps(other)


# --- doors ---------------------------------------------------------------------------------


def door_reads(door: Door) -> Check:
    """A body is refused, or every wire is written from it, whole and as it came."""

    def check(data: bytes) -> None:
        try:
            opened = door.read(data, NESTING)
            members_of(opened)
            own_wire(opened)
            if opened.operation == "embeddings":
                embed(door, opened)
                return
            conversation = door.conversation(opened)
        except InvalidRequest as error:
            errors_are_written(error)
            return
        for wire in WIRES.values():
            try:
                out = wire.write_request(conversation, TARGET).body
            except InvalidRequest as error:
                errors_are_written(error)
                continue
            assert isinstance(parsed(out), dict)
            bounded(len(out), len(data))

    return check


def members_of(opened: WireRequest) -> None:
    named = "model" in (name for name, *_ in opened.members)
    assert opened.model or not named, "the model of a wire that names it in the body"
    assert opened.choices >= 1
    assert opened.max_output_tokens is None or opened.max_output_tokens >= 0


def own_wire(opened: WireRequest) -> None:
    wire = WIRES.get(opened.wire)
    if wire is None:
        return
    out = wire.passthrough(opened, TARGET).body
    bounded(len(out), len(opened.body))
    body = parsed(out)
    assert "portico" not in body
    assert body.get("model", TARGET.model_id) == TARGET.model_id


def embed(door: Door, opened: WireRequest) -> None:
    asked = door.embedding(opened)
    for wire in WIRES.values():
        try:
            out = wire.write_embedding(asked, TARGET).body
        except InvalidRequest:
            continue
        parsed(out)


# --- answers -------------------------------------------------------------------------------


def answer_reads(wire: ProviderWire) -> Check:
    """An answer is refused, or every door writes it; skimming it never fails."""

    def check(data: bytes) -> None:
        skim = wire.skim(data)
        assert skim.complete or skim.failed is not None
        assert skim.output_bytes >= 0
        try:
            answer = wire.read_answer(data)
        except PorticoError as error:
            errors_are_written(error)
        else:
            for door in DOORS.values():
                write(partial(door.write_answer, answer), len(data))
        try:
            vectors = wire.read_vectors(data)
        except PorticoError:
            return
        for door in DOORS.values():
            for encoding in ("float", "base64"):
                found = msgspec.structs.replace(vectors, encoding=encoding)
                write(partial(door.write_vectors, found), len(data))

    return check


def write(written: Callable[[], bytes], given: int) -> None:
    """A door that speaks of other things says so with InvalidRequest."""
    try:
        out = written()
    except InvalidRequest:
        return
    assert isinstance(parsed(out), dict)
    bounded(len(out), given)


STATUSES = (200, 400, 401, 404, 408, 413, 422, 429, 500, 503, 529)


def error_reads(wire: ProviderWire) -> Check:
    """Any reply is some error, in words that are bounded."""

    def check(data: bytes) -> None:
        status = STATUSES[sum(data[:8]) % len(STATUSES)]
        header = data[:40].decode("latin-1")
        headers: Mapping[str, str] = dict.fromkeys(("retry-after", "date"), header)
        error = wire.read_error(status, headers, data)
        assert isinstance(error, PorticoError)
        assert error.retry_after is None or 0 <= error.retry_after <= 86_400
        assert len(error.message) < 2_000
        errors_are_written(error)

    return check


# --- streams -------------------------------------------------------------------------------


def stream_reads(wire: ProviderWire) -> Check:
    """A stream becomes the same events for every cut, and each door can write them."""

    def check(data: bytes) -> None:
        try:
            whole = events_of(wire, [data])
        except InvalidRequest:
            return  # a wire without streams
        assert whole == events_of(wire, cuts(data))
        for door in DOORS.values():
            translated(wire, door, data)

    return check


def events_of(wire: ProviderWire, pieces: Sequence[bytes]) -> list[object]:
    reader = wire.stream_reader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    events += reader.close()
    failures = [place for place, event in enumerate(events) if isinstance(event, Failed)]
    assert failures in ([], [len(events) - 1]), "a failure ends a stream"
    assert reader.complete
    assert reader.feed(b"x") == reader.close() == []
    return [seen(event) for event in events]


def translated(wire: ProviderWire, door: Door, data: bytes) -> None:
    try:
        writer = door.stream_writer(request(door.name))
    except InvalidRequest:
        return
    carry(Translation(wire.stream_reader(), writer, NAMING), [data], door.name)


def relay_carries(wire: ProviderWire) -> Check:
    """A stream passes the same for every cut, and its end is known or its failure is."""

    def check(data: bytes) -> None:
        try:
            one, other = wire.relay(request(wire.name)), wire.relay(request(wire.name))
        except InvalidRequest:
            return
        assert carry(one, [data], wire.name) == carry(other, cuts(data), wire.name)
        assert noticed(one.skim) == noticed(other.skim)

    return check


def carry(relay: Relay, pieces: Sequence[bytes], door: str) -> bytes:
    """As the pipeline does it."""
    given = sum(map(len, pieces))
    out: list[bytes] = []
    for piece in pieces:
        out.append(relay.feed(piece))
        if relay.skim.failed is not None or relay.skim.complete:
            break
    out.append(relay.close())
    skim = relay.skim
    assert (skim.failed is None) is skim.complete or skim.failed is not None
    if skim.failed is not None:
        out.append(relay.fail(skim.failed))
    else:
        out.append(relay.finish(PORTICO))
        assert out[-1], "a complete stream has a tail"
    assert skim.output_bytes <= GROWTH * given
    bounded(sum(map(len, out)), given)
    return b"".join(out)


def targets() -> dict[str, Check]:
    """All of them, by name."""
    found: dict[str, Check] = {"sse": sse, "scan": scan}
    for door in DOORS.values():
        found[f"{door.name}.read"] = door_reads(door)
    for wire in WIRES.values():
        found[f"{wire.name}.answer"] = answer_reads(wire)
        found[f"{wire.name}.error"] = error_reads(wire)
        found[f"{wire.name}.stream"] = stream_reads(wire)
        found[f"{wire.name}.relay"] = relay_carries(wire)
    return found
