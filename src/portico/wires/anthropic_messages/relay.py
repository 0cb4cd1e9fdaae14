"""A Messages stream from upstream to caller, bytes in, bytes out, holding back its tail.

Law of the file: every frame leaves with its own bytes, in order, but for the message_delta
with the stop reason and what follows it, which `finish` stamps and lets go. Pings never wait.
"""

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import PorticoError
from portico.contract.wires import Skim
from portico.wires import members
from portico.wires.anthropic_messages.answers import malformed, stop_reason, utf8_length
from portico.wires.anthropic_messages.failures import error_frame, read_stream_error
from portico.wires.anthropic_messages.stream_reader import cut
from portico.wires.anthropic_messages.tables import FRAME_LIMIT, UNREADABLE
from portico.wires.anthropic_messages.usage import merge, read_usage
from portico.wires.sse import SseFrame, SseReader, frame


class _Delta(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    model: str = ""
    usage: dict[str, Json] | None = None


class _Event(msgspec.Struct):
    type: str
    delta: _Delta | None = None
    message: _Message | None = None
    usage: dict[str, Json] | None = None


_decoder = msgspec.json.Decoder(_Event)
_DELTA = b"event: content_block_delta\ndata: "
_FRAMING = len(_DELTA) + len(b"\n\n")
_TAIL = frozenset(("message_delta", "message_stop"))


class MessagesRelay:
    """See the port `Relay`. Holds one unfinished frame and at most the two frames of the tail."""

    def __init__(self) -> None:
        self._frames = SseReader(FRAME_LIMIT)
        self._skim = Skim()
        self._usage: dict[str, Json] = {}
        self._tail: list[SseFrame] = []

    @property
    def skim(self) -> Skim:
        return self._skim

    def feed(self, data: bytes) -> bytes:
        if self._skim.failed is not None or self._skim.complete:
            return b""
        passed = 0
        if not self._tail:
            passed = self._plain(data)
            if passed == len(data):
                return data
        try:
            carried = self._pass(self._frames.feed(data[passed:] if passed else data))
        except PorticoError as error:
            self._skim.failed = error
            carried = b""
        return data[:passed] + carried if passed else carried

    def close(self) -> bytes:
        if self._skim.failed is not None or self._skim.complete:
            return b""
        passed = self._pass(self._frames.close())
        if not self._skim.complete and self._skim.failed is None:
            self._skim.failed = cut()
        return passed

    def finish(self, portico: bytes) -> bytes:
        """The held frames; `portico` becomes a member of the last that has an answer's data."""
        if self._skim.failed is not None or not self._tail:
            return b""
        last, *others = self._tail
        self._tail = []
        stamped = members.stamp(last.data, "portico", portico)
        return frame(stamped, last.event) + b"".join(other.raw for other in others)

    def fail(self, error: PorticoError) -> bytes:
        """The error event, which ends the stream."""
        self._tail = []
        if self._skim.failed is None:
            self._skim.failed = error
        return error_frame(error)

    def _plain(self, data: bytes) -> int:
        """How many bytes, in whole frames, can leave as they are."""
        passed = 0
        for text in self._frames.plain(data, _DELTA):
            if not self._is_delta(text):
                break
            passed += _FRAMING + len(text)
        return passed

    def _is_delta(self, text: bytes) -> bool:
        """Whether an event is more of a content block; if so, it is counted."""
        try:
            event = _decoder.decode(text)
        except UNREADABLE:
            return False  # `_frame` says what it is
        if event.type != "content_block_delta":
            return False
        self._count(event.delta)
        return True

    def _pass(self, frames: list[SseFrame]) -> bytes:
        if len(frames) == 1:
            return self._frame(frames[0])
        return b"".join([self._frame(found) for found in frames])

    def _frame(self, found: SseFrame) -> bytes:
        """What may leave now, given one more frame."""
        if self._skim.failed is not None or self._skim.complete:
            return b""
        if not found.data:
            return found.raw
        try:
            event = _decoder.decode(found.data)
        except msgspec.ValidationError:
            return found.raw  # JSON of a shape that is new to us: the caller's SDK may know it
        except UNREADABLE:
            self._skim.failed = malformed("between_chunks")
            return b""
        if event.type == "content_block_delta":
            self._count(event.delta)
            return self._release() + found.raw if self._tail else found.raw
        return self._other(event, found)

    def _other(self, event: _Event, found: SseFrame) -> bytes:
        if event.type == "error":
            self._skim.failed = read_stream_error(found.data)
            return b""
        if event.type == "message_start" and event.message is not None:
            self._skim.model = event.message.model
            self._usage = merge({}, event.message.usage)
            self._skim.usage = read_usage(self._usage)
        elif event.type == "content_block_start":
            self._skim.has_content = True
        elif event.type in _TAIL and self._ends(event):
            return self._hold(event, found)
        return found.raw

    def _count(self, delta: _Delta | None) -> None:
        if delta is not None:
            self._skim.has_content = True
            text = delta.text or delta.partial_json or delta.thinking
            self._skim.output_bytes += utf8_length(text or "")

    def _ends(self, event: _Event) -> bool:
        """Takes note of what a frame of the tail says; whether it begins or goes on with it."""
        if event.usage is not None:
            self._usage = merge(self._usage, event.usage)
            self._skim.usage = read_usage(self._usage)
        if event.type == "message_stop":
            self._skim.complete = True
            return True
        word = None if event.delta is None else event.delta.stop_reason
        if word is not None:
            self._skim.stop = stop_reason(word)
        return word is not None or bool(self._tail)

    def _hold(self, event: _Event, found: SseFrame) -> bytes:
        """Holds a frame of the tail; a second message_delta lets the first one go."""
        earlier = self._release() if event.type == "message_delta" else b""
        self._tail.append(found)
        return earlier

    def _release(self) -> bytes:
        held = b"".join(found.raw for found in self._tail)
        self._tail = []
        return held
