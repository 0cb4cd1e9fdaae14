"""A ConverseStream from upstream to caller, bytes in, bytes out, holding back its tail.

Law of the file: every frame leaves with its own bytes, in order, but for `messageStop` and
what follows it, which `finish` lets go: the last of them that has an answer's data is framed
anew around the `portico` member.
"""

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import PorticoError
from portico.contract.wires import Skim
from portico.wires import members
from portico.wires.bedrock_converse.answers import stop_reason, utf8_length
from portico.wires.bedrock_converse.failures import cut, error_frame, malformed, read_exception
from portico.wires.bedrock_converse.tables import UNREADABLE
from portico.wires.bedrock_converse.usage import read_usage
from portico.wires.event_stream import EventFrame, EventStreamReader, reframe


class _Reasoning(msgspec.Struct):
    text: str | None = None


class _Tool(msgspec.Struct):
    input: str | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    reasoning_content: _Reasoning | None = None
    tool_use: _Tool | None = None


class _Event(msgspec.Struct, rename="camel"):
    delta: _Delta | None = None
    stop_reason: str | None = None
    usage: dict[str, Json] | None = None
    service_tier: Json = None


_decoder = msgspec.json.Decoder(_Event)
_TAIL = frozenset(("messageStop", "metadata"))
_CONTENT = frozenset(("contentBlockStart", "contentBlockDelta"))


class ConverseRelay:
    """See the port `Relay`. Holds one unfinished frame and at most the two frames of the tail."""

    def __init__(self) -> None:
        self._frames = EventStreamReader()
        self._skim = Skim()
        self._tail: dict[str, EventFrame] = {}

    @property
    def skim(self) -> Skim:
        return self._skim

    def feed(self, data: bytes) -> bytes:
        if self._over:
            return b""
        passed = b"".join([self._frame(found) for found in self._frames.feed(data)])
        if self._frames.failure is not None and not self._over:
            self._skim.failed = self._frames.failure
        return passed

    def close(self) -> bytes:
        if self._over:
            return b""
        self._frames.close()
        self._skim.failed = self._frames.failure
        if self._skim.failed is None:
            self._skim.complete = "messageStop" in self._tail
            self._skim.failed = None if self._skim.complete else cut()
        return b""

    def finish(self, portico: bytes) -> bytes:
        """The held frames; `portico` becomes a member of `metadata`, or of what stands last."""
        if self._skim.failed is not None or not self._tail:
            return b""
        *others, last = self._tail.values()
        self._tail = {}
        stamped = reframe(last, members.stamp(last.payload, "portico", portico))
        return b"".join(other.raw for other in others) + stamped

    def fail(self, error: PorticoError) -> bytes:
        """The exception, which ends the stream."""
        self._tail = {}
        if self._skim.failed is None:
            self._skim.failed = error
        return error_frame(error)

    @property
    def _over(self) -> bool:
        return self._skim.failed is not None or self._skim.complete

    def _frame(self, found: EventFrame) -> bytes:
        """What may leave now, given one more frame."""
        if self._over:
            return b""
        if found.header(":message-type") in {"exception", "error"}:
            self._skim.failed = read_exception(found)
            return b""
        kind = found.header(":event-type")
        if kind not in _CONTENT and kind not in _TAIL:
            return found.raw
        try:
            event = _decoder.decode(found.payload)
        except msgspec.ValidationError:
            return self._unread(kind, found)
        except UNREADABLE:
            self._skim.failed = malformed("between_chunks")
            return b""
        if kind in _CONTENT:
            self._skim.has_content = True
            self._count(event.delta)
        return self._hold(kind, event, found) if kind in _TAIL else found.raw

    def _unread(self, kind: str, found: EventFrame) -> bytes:
        """JSON of a shape that is new to us: the caller's SDK may know it. A tail must be ours."""
        if kind in _TAIL:
            self._skim.failed = malformed("between_chunks")
            return b""
        return found.raw

    def _count(self, delta: _Delta | None) -> None:
        if delta is None:
            return
        text = delta.text
        if text is None and delta.tool_use is not None:
            text = delta.tool_use.input
        elif text is None and delta.reasoning_content is not None:
            text = delta.reasoning_content.text
        self._skim.output_bytes += utf8_length(text or "")

    def _hold(self, kind: str, event: _Event, found: EventFrame) -> bytes:
        """Takes note of what a frame of the tail says. The wire ends when both have come."""
        if kind in self._tail:
            self._skim.failed = malformed("between_chunks")
            return b""
        if kind == "messageStop":
            self._skim.stop = stop_reason(event.stop_reason)
        elif event.usage is not None:
            self._skim.usage = read_usage(event.usage, event.service_tier)
        self._tail[kind] = found
        self._skim.complete = len(self._tail) == len(_TAIL)
        return b""
