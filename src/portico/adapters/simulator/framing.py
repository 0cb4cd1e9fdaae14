"""How a stream goes over the wire: its content type, its mark, and its frames."""

from collections.abc import Callable, Iterator

import msgspec

from portico.contract.events import Event, PartDelta
from portico.contract.wires import StreamWriter
from portico.wires.event_stream import EventStreamReader, reframe

Piece = tuple[bytes, int]
"""Bytes of a body, and how many tokens they carry."""


class Framing(msgspec.Struct, frozen=True, kw_only=True):
    """One way of framing a stream."""

    content_type: str
    mark: Callable[[bytes], bytes]
    """The first frame, saying that it is simulated."""
    bare: Callable[[bytes], bytes]
    """The tail, without the member that is the gateway's to write, not a provider's."""
    wrap: Callable[[Iterator[Piece]], Iterator[Piece]] = lambda pieces: pieces

    def pieces(
        self, events: Iterator[Event], writer: StreamWriter, breach: bytes = b""
    ) -> Iterator[Piece]:
        """A stream as a provider sends it; `breach` is what ends it after its first token."""
        return self.wrap(self._frames(events, writer, breach))

    def _frames(
        self, events: Iterator[Event], writer: StreamWriter, breach: bytes
    ) -> Iterator[Piece]:
        unmarked = True
        for event in events:
            frame = writer.write(event)
            if unmarked and frame:
                frame = self.mark(frame)
                unmarked = False
            yield frame, 1 if isinstance(event, PartDelta) else 0
            if breach and isinstance(event, PartDelta):
                break
        if breach:
            yield breach, 0
            return
        tail = self.bare(writer.finish(b"0"))
        yield self.mark(tail) if unmarked else tail, 0


_MEMBER = b'"simulated":true,'
_PORTICO = b',"portico":0'


def _mark_data(frame: bytes) -> bytes:
    return frame.replace(b"data: {", b"data: {" + _MEMBER, 1)


def _bare_data(tail: bytes) -> bytes:
    return tail.replace(_PORTICO, b"", 1)


def _mark_binary(frames: bytes) -> bytes:
    """Checksums cover every byte, so a frame that changes is sealed anew."""
    first, *others = EventStreamReader().feed(frames)
    marked = reframe(first, b"{" + _MEMBER + first.payload[1:])
    return b"".join((marked, *(frame.raw for frame in others)))


def _bare_binary(tail: bytes) -> bytes:
    *others, last = EventStreamReader().feed(tail)
    bare = reframe(last, last.payload.replace(_PORTICO, b"", 1))
    return b"".join((*(frame.raw for frame in others), bare))


def _as_array(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Server-sent events of one line each as the elements of one JSON array."""
    before = b"["
    for frames, tokens in pieces:
        elements = [line.removeprefix(b"data: ") for line in frames.splitlines() if line]
        yield (
            b"".join(
                before * (at == 0) + b",\r\n" * (at > 0) + element
                for at, element in enumerate(elements)
            ),
            tokens,
        )
        if elements:
            before = b",\r\n"
    yield b"]", 0


SSE = Framing(content_type="text/event-stream", mark=_mark_data, bare=_bare_data)
EVENT_STREAM = Framing(
    content_type="application/vnd.amazon.eventstream", mark=_mark_binary, bare=_bare_binary
)
JSON_ARRAY = Framing(
    content_type="application/json", mark=_mark_data, bare=_bare_data, wrap=_as_array
)
