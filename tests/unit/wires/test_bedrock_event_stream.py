"""The binary event stream: our frames are botocore's frames, both ways, and damage is named."""

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from portico.wires.event_stream import EventStreamReader, frame, reframe

HEADERS = {":event-type": "x", ":message-type": "event", "ü": "é"}
FRAME = frame(HEADERS, b'{"a":1}')


def sealed(headers: bytes, payload: bytes = b"") -> bytes:
    lengths = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def by_botocore(data: bytes) -> list[tuple[dict[str, Any], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    messages: Iterable[Any] = buffer  # the stubs say int
    return [(message.headers, message.payload) for message in messages]


def test_botocore_reads_what_we_frame() -> None:
    data = FRAME + frame({}, b"") + frame({"a": ""}, b"\x00" * 1000)
    assert by_botocore(data) == [(HEADERS, b'{"a":1}'), ({}, b""), ({"a": ""}, b"\x00" * 1000)]


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        (0, b"", True),
        (1, b"", False),
        (2, b"\xff", -1),
        (3, b"\x01\x00", 256),
        (4, b"\x00\x01\x00\x00", 65536),
        (5, b"\xff" * 8, -1),
        (6, b"\x00\x02ab", b"ab"),
        (7, b"\x00\x02ab", "ab"),
        (8, b"\x00" * 7 + b"\x05", 5),
        (9, b"0123456789abcdef", b"0123456789abcdef"),
    ],
)
def test_every_type_of_header_reads_as_botocore_reads_it(
    kind: int, value: bytes, meant: object
) -> None:
    data = sealed(b"\x01h" + bytes((kind,)) + value, b"p")
    (found,) = EventStreamReader().feed(data)
    assert found.headers == {"h": meant}
    assert [(dict(found.headers), found.payload)] == by_botocore(data)


def test_a_frame_keeps_its_bytes_and_another_payload_keeps_its_headers() -> None:
    data = sealed(b"\x01t\x08" + b"\x00" * 8 + b"\x01h\x07\x00\x01x", b"old")
    (found,) = EventStreamReader().feed(data)
    assert found.raw == data
    (changed,) = EventStreamReader().feed(reframe(found, b"newer"))
    assert (changed.headers, changed.payload) == (found.headers, b"newer")


@pytest.mark.parametrize("place", range(len(FRAME)))
def test_a_damaged_byte_is_found_and_nothing_after_it_is_read(place: int) -> None:
    damaged = bytearray(FRAME)
    damaged[place] ^= 1
    reader = EventStreamReader()
    found = [*reader.feed(FRAME + bytes(damaged) + FRAME), *reader.feed(FRAME), *reader.close()]
    assert [one.raw for one in found] == [FRAME]
    assert reader.failure is not None
    assert reader.failure.detail["kind"] == "malformed"


@pytest.mark.parametrize(
    "headers",
    [b"\x05h\x07\x00\x01x", b"\x01h\x07\x00\x09x", b"\x01h\x0a", b"\x01h\x04\x00", b"\x01\xff\x00"],
)
def test_headers_that_lie_about_their_lengths_or_types_are_malformed(headers: bytes) -> None:
    reader = EventStreamReader()
    assert reader.feed(sealed(headers)) == []
    assert reader.failure is not None
    assert reader.failure.detail["kind"] == "malformed"


def test_a_frame_over_the_bound_is_refused_by_its_first_twelve_bytes() -> None:
    reader = EventStreamReader(limit=len(FRAME))
    assert len(reader.feed(FRAME)) == 1
    assert reader.feed(frame(HEADERS, b'{"a":12}')[:12]) == []
    assert reader.failure is not None
    assert reader.failure.detail["kind"] == "event_too_large"


def test_lengths_that_contradict_one_another_are_malformed() -> None:
    lengths = struct.pack(">II", 16, 1)
    reader = EventStreamReader()
    reader.feed(lengths + struct.pack(">I", zlib.crc32(lengths)))
    assert reader.failure is not None
    assert reader.failure.detail["kind"] == "malformed"


def test_a_stream_that_ends_within_a_frame_was_cut() -> None:
    reader = EventStreamReader()
    reader.feed(FRAME[:-1])
    assert reader.failure is None
    reader.close()
    assert reader.failure is not None
    assert reader.failure.detail["kind"] == "cut"
