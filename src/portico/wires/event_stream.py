"""The binary event stream of AWS, sans-IO: bytes in any cut become frames that keep their bytes.

Law of the file: the `raw` of all frames, joined, is the input, byte for byte; the frames before
a fault are the same however the input was cut; and no more than one unfinished frame is held.

A frame is a prelude (length of the whole, length of the headers, CRC-32 of these eight bytes),
the headers, the payload, and the CRC-32 of everything before it, all big-endian.
Source: https://smithy.io/2.0/aws/amazon-eventstream.html.

Written here and not taken from botocore, whose decoder drops the raw bytes that a passthrough
sends on, knows one fixed bound only, and comes with an import of some 100 ms; the tests hold
the two against each other.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from portico.contract.errors import UpstreamFailed

LIMIT: Final = 24 * 1024 * 1024
"""Bytes of one frame, unless the reader is told otherwise: the bound of AWS's own decoders."""
HEADERS_LIMIT: Final = 128 * 1024
"""Bytes of the headers of one frame, by the specification."""

HeaderValue = bool | int | str | bytes

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LENGTHS = struct.Struct(">II")
_LENGTH = struct.Struct(">H")
_OVERHEAD = _PRELUDE.size + _CRC.size
_STRING = 7
_SHORT = 256
_MOST_KNOWN = 16
"""Headers that a reader remembers as read: bytes of each, and how many."""


class EventFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame. `raw` has all its bytes. A timestamp is milliseconds, a UUID its 16 bytes."""

    raw: bytes
    headers: Mapping[str, HeaderValue]
    payload: bytes

    def header(self, name: str) -> str:
        """A header of type string; "" where there is none."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """The bytes of a frame whose headers are all strings."""
    return seal(head(headers), payload)


def head(headers: Mapping[str, str]) -> bytes:
    """The bytes of headers that are all strings, for `seal`."""
    pieces: list[bytes] = []
    for name, value in headers.items():
        key, text = name.encode(), value.encode()
        pieces += (bytes((len(key),)), key, bytes((_STRING,)), _LENGTH.pack(len(text)), text)
    return b"".join(pieces)


def seal(headers: bytes, payload: bytes) -> bytes:
    """The bytes of a frame around headers that are bytes already."""
    lengths = _LENGTHS.pack(len(headers) + len(payload) + _OVERHEAD, len(headers))
    body = b"".join((lengths, _CRC.pack(zlib.crc32(lengths)), headers, payload))
    return body + _CRC.pack(zlib.crc32(body))


def reframe(found: EventFrame, payload: bytes) -> bytes:
    """The bytes of a frame with another payload; its headers stay, byte for byte."""
    _, size, _ = _PRELUDE.unpack_from(found.raw)
    return seal(found.raw[_PRELUDE.size : _PRELUDE.size + size], payload)


class EventStreamReader:
    """Cuts a byte stream into frames. Holds at most one unfinished frame of `limit` bytes.

    `failure` is set once the bytes are no event stream any more; nothing is read after that.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.failure: UpstreamFailed | None = None
        self._limit = limit
        self._rest = bytearray()
        self._need = _PRELUDE.size
        self._known: dict[bytes, Mapping[str, HeaderValue]] = {}

    def feed(self, data: bytes) -> list[EventFrame]:
        """The frames that `data` completes. Never raises; see `failure`."""
        if self.failure is not None:
            return []
        if self._rest or len(data) < self._need:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[EventFrame] = []
        done = 0
        try:
            while (end := self._end(data, done)) <= len(data):
                frames.append(self._parse(data[done:end]))
                done = end
        except _Fault as fault:
            self.failure = fault.error()
            return frames
        self._need = end - done
        self._rest += data[done:]
        return frames

    def close(self) -> list[EventFrame]:
        """The stream ended. Sets `failure` if it did within a frame; there are no more frames."""
        if self._rest and self.failure is None:
            self.failure = _Fault("cut", "ended within an event").error()
        self._rest.clear()
        return []

    def _end(self, data: bytes, start: int) -> int:
        """Where the frame ends that begins at `start`; while its prelude lacks, where that does."""
        if len(data) - start < _PRELUDE.size:
            return start + _PRELUDE.size
        total, headers, crc = _PRELUDE.unpack_from(data, start)
        if zlib.crc32(data[start : start + 8]) != crc:
            raise _Fault("malformed", "has an event whose prelude fails its checksum")
        if headers > HEADERS_LIMIT or total < headers + _OVERHEAD:
            raise _Fault("malformed", "has an event whose lengths make no sense")
        if total > self._limit:
            raise _Fault("event_too_large", f"has an event of more than {self._limit} bytes")
        return start + int(total)

    def _parse(self, raw: bytes) -> EventFrame:
        """A whole frame whose prelude is known to be right."""
        body = len(raw) - _CRC.size
        if zlib.crc32(memoryview(raw)[:body]) != _CRC.unpack_from(raw, body)[0]:
            raise _Fault("malformed", "has an event that fails its checksum")
        _, size, _ = _PRELUDE.unpack_from(raw)
        start = _PRELUDE.size + size
        block = raw[_PRELUDE.size : start]
        headers = self._known.get(block)
        if headers is None:
            headers = self._headers(block)
        return EventFrame(raw, headers, raw[start:body])

    def _headers(self, block: bytes) -> Mapping[str, HeaderValue]:
        """Headers that are new; a stream has the same few over and over."""
        try:
            headers = _headers(block)
        except (IndexError, KeyError, struct.error, UnicodeDecodeError):
            raise _Fault("malformed", "has an event with malformed headers") from None
        if len(block) <= _SHORT and len(self._known) < _MOST_KNOWN:
            self._known[block] = headers
        return headers


class _Fault(Exception):
    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self._kind = kind
        self._what = what

    def error(self) -> UpstreamFailed:
        return UpstreamFailed(
            f"The upstream's event stream {self._what}; what came until then is incomplete. "
            "Try again.",
            detail={"stage": "between_chunks", "kind": self._kind},
        )


def _headers(block: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    place = 0
    while place < len(block):
        named = place + 1 + block[place]
        name = _cut(block, place + 1, named).decode()
        headers[name], place = _VALUES[block[named]](block, named + 1)
    return headers


def _cut(block: bytes, start: int, end: int) -> bytes:
    if end > len(block):
        raise IndexError(end)
    return block[start:end]


Value = tuple[HeaderValue, int]
"""A header's value, and the place after it."""


def _fixed(layout: str) -> Callable[[bytes, int], Value]:
    shape = struct.Struct(layout)
    return lambda block, start: (shape.unpack_from(block, start)[0], start + shape.size)


def _bytes(block: bytes, start: int) -> tuple[bytes, int]:
    first = start + _LENGTH.size
    end = first + int(_LENGTH.unpack_from(block, start)[0])
    return _cut(block, first, end), end


def _text(block: bytes, start: int) -> Value:
    value, end = _bytes(block, start)
    return value.decode(), end


_VALUES: dict[int, Callable[[bytes, int], Value]] = {
    0: lambda _, start: (True, start),
    1: lambda _, start: (False, start),
    2: _fixed(">b"),
    3: _fixed(">h"),
    4: _fixed(">i"),
    5: _fixed(">q"),
    6: _bytes,
    _STRING: _text,
    8: _fixed(">q"),
    9: lambda block, start: (_cut(block, start, start + 16), start + 16),
}
"""Type of header value: how it is read."""
