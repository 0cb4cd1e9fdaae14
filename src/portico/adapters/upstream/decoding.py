"""Content codings of a reply, undone in bounded steps."""

import zlib
from collections.abc import Iterator

_STEP = 64 * 1024
_FREE = 1024 * 1024
_RATIO = 100
"""A reply may inflate to _FREE bytes, and beyond that to _RATIO times what came. DEFLATE reaches
1032 at most; JSON and event streams of models stay under 30."""

_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Bomb(Exception):
    """The reply inflates out of all proportion."""


class Garbled(Exception):
    """The reply is not what its content coding says, or it ends early."""


def known(coding: str) -> bool:
    return coding in _WBITS


class Inflater:
    """gzip (RFC 1952, several members too) and deflate (RFC 9110: zlib; raw is taken as well)."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream = zlib.decompressobj(_WBITS[coding])
        self._begun = False
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of at most 64 KiB. Raises Bomb or Garbled."""
        self._taken += len(data)
        if not self._begun and self._coding == "deflate":
            self._begun = True
            if data[0] & 0x0F != 8:
                self._stream = zlib.decompressobj(-15)
        while data:
            if self._stream.eof:
                self._next_member()
            piece = self._inflate(data)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield self._counted(piece)

    def close(self) -> None:
        """Raises Garbled if the data ended within a member."""
        if self._taken and not self._stream.eof:
            raise Garbled("it ends early")

    def _next_member(self) -> None:
        if self._coding == "deflate":
            raise Garbled("data follows its end")
        self._stream = zlib.decompressobj(_WBITS[self._coding])

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _STEP)
        except zlib.error as error:
            raise Garbled("it does not inflate") from error

    def _counted(self, piece: bytes) -> bytes:
        self._given += len(piece)
        if self._given > _FREE and self._given > _RATIO * self._taken:
            raise Bomb
        return piece
