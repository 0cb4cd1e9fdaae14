"""Entries as bytes: a head (length, checksum, kind), then msgpack.

The checksum is CRC-32 started from a number that every sequence number of a segment makes
different. Equal bytes under another sequence number therefore always fail, so what a recycled
segment still holds of its former life is never taken for an entry.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Literal
from zlib import crc32

import msgspec

from portico.contract.receipt import Receipt

Kind = Literal[1, 2]
INTENT: Kind = 1
RECEIPT: Kind = 2

HEAD = Struct("<IIB")
_SPREAD = 0x9E3779B1  # odd, so that different sequence numbers give different seeds modulo 2**32
_MASK = 0xFFFFFFFF

_encoder = msgspec.msgpack.Encoder()


class _Name(msgspec.Struct):
    call: str


_name_decoder = msgspec.msgpack.Decoder(_Name)
_decoder = msgspec.msgpack.Decoder(Receipt)


class Found(msgspec.Struct, frozen=True):
    """An entry as it lies in a segment. `end` is the offset just behind it."""

    kind: int
    payload: bytes
    end: int


def encode(receipt: Receipt) -> bytes:
    return _encoder.encode(receipt)


def decode(payload: bytes) -> Receipt:
    """Raises msgspec.MsgspecError where a later release has written what this one cannot read."""
    return _decoder.decode(payload)


def call_of(payload: bytes) -> str:
    """The call of a receipt or intent, without reading the rest. Errors as `decode`."""
    return _name_decoder.decode(payload).call


def frame(kind: Kind, payload: bytes, sequence: int) -> bytes:
    size = len(payload)
    seed = (sequence * _SPREAD + size * 4 + kind) & _MASK
    return HEAD.pack(size, crc32(payload, seed), kind) + payload


def walk(data: bytes, sequence: int, base: int) -> Iterator[Found]:
    """The entries at the start of `data`, which lies at offset `base` of segment `sequence`.

    Ends at the first thing that is not a whole entry of this sequence: preallocated zeros, a
    torn write, bytes of the segment's former life, or the cut of the reading.
    """
    at, size = 0, len(data)
    while at + HEAD.size <= size:
        length, checksum, kind = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        if not length or end > size:
            return
        payload = data[at + HEAD.size : end]
        if crc32(payload, (sequence * _SPREAD + length * 4 + kind) & _MASK) != checksum:
            return
        yield Found(kind, payload, base + end)
        at = end


def lost(receipt: Receipt) -> Receipt:
    """What is recorded of a call whose process died: its intent, at the estimated cost."""
    return msgspec.structs.replace(
        receipt,
        status="lost",
        http_status=0,
        cost_nano=sum(attempt.cost_nano for attempt in receipt.attempts),
    )
