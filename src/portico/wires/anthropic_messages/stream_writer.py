"""Canonical events as a Messages stream, for a caller.

Law of the file: blocks are numbered in the order in which they start, without gaps, because
the SDK keeps them in a list; and the tail (message_delta, message_stop) leaves in `finish`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json
from portico.contract.errors import PorticoError
from portico.contract.events import (
    CitationAdded,
    DeltaField,
    Event,
    Failed,
    PartClosed,
    PartDelta,
    PartKind,
    PartOpened,
    Started,
    Stopped,
    UsageReported,
)
from portico.contract.usage import StopReason, Usage
from portico.wires import members
from portico.wires.anthropic_messages.answers import call_id, open_extra, stop_word, write_citation
from portico.wires.anthropic_messages.block_writer import Block
from portico.wires.anthropic_messages.failures import error_frame
from portico.wires.anthropic_messages.tables import NAME
from portico.wires.anthropic_messages.usage import write_usage
from portico.wires.sse import frame

_DELTAS: dict[tuple[PartKind, DeltaField], tuple[str, str]] = {
    ("text", "text"): ("text_delta", "text"),
    ("refusal", "text"): ("text_delta", "text"),
    ("audio", "text"): ("text_delta", "text"),
    ("opaque", "text"): ("text_delta", "text"),
    ("opaque", "arguments"): ("input_json_delta", "partial_json"),
    ("reasoning", "text"): ("thinking_delta", "thinking"),
    ("reasoning", "signature"): ("signature_delta", "signature"),
    ("tool_call", "arguments"): ("input_json_delta", "partial_json"),
}
"""Kind of part and field: the type of delta, and the member that holds its text."""

_START: dict[PartKind, Block] = {
    "text": {"type": "text", "text": ""},
    "refusal": {"type": "text", "text": ""},
    "audio": {"type": "text", "text": ""},
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
}
"""How a block of a kind begins."""

_LAZY: frozenset[PartKind] = frozenset(("reasoning", "audio"))
"""Kinds whose block starts with its first text: sealed reasoning is a block of another type."""


class _Part(msgspec.Struct):
    kind: PartKind
    start: Block
    index: int = -1
    sealed: str = ""


class MessagesStreamWriter:
    """Events into this door's stream. See the port `StreamWriter`."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._blocks = 0
        self._begun = False
        self._over = False
        self._refused = False
        self._stopped = Stopped(reason=StopReason.OTHER)
        self._usage: Usage | None = None

    def write(self, event: Event) -> bytes:
        if self._over or getattr(event, "choice", None):
            return b""
        return _HANDLERS[type(event)](self, event)

    def finish(self, portico: bytes) -> bytes:
        """The end of the message, with `portico` as a member of the message_delta."""
        if self._over:
            return b""
        begin = b"" if self._begun else self._started(Started(id="", model=""))
        closed = b"".join(self._close(part) for part in self._parts.values())
        self._over = True
        _, extra, usage = open_extra(self._stopped.extra)
        delta: Block = {
            "stop_reason": stop_word(self._stopped.reason, self._refused),
            "stop_sequence": self._stopped.sequence,
            **extra,
        }
        last: Block = {
            "type": "message_delta",
            "delta": delta,
            "usage": write_usage(self._usage, usage),
        }
        stamped = members.stamp(msgspec.json.encode(last), "portico", portico)
        stop = frame(b'{"type":"message_stop"}', "message_stop")
        return b"".join((begin, closed, frame(stamped, "message_delta"), stop))

    def fail(self, error: PorticoError) -> bytes:
        """The error event, which ends the stream."""
        self._over = True
        return error_frame(error)

    def _failed(self, event: Failed) -> bytes:
        return self.fail(event.error)

    def _started(self, event: Started) -> bytes:
        self._begun = True
        _, extra, usage = open_extra(event.extra)
        message: Block = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(None, usage),
            **extra,
        }
        return _frame("message_start", message=message)

    def _opened(self, event: PartOpened) -> bytes:
        begin = b"" if self._begun else self._started(Started(id="", model=""))
        start = _start(event)
        if start is None:
            return begin
        self._refused = self._refused or event.kind == "refusal"
        part = self._parts[event.part] = _Part(kind=event.kind, start=start)
        return begin if event.kind in _LAZY else begin + self._begin(part)

    def _begin(self, part: _Part) -> bytes:
        part.index = self._blocks
        self._blocks += 1
        return _frame("content_block_start", index=part.index, content_block=part.start)

    def _delta(self, event: PartDelta) -> bytes:
        part = self._parts.get(event.part)
        if part is None:
            return b""
        if event.field == "sealed":
            part.sealed += event.text
            return b""
        if (kind := _DELTAS.get((part.kind, event.field))) is None:
            return b""
        begin = self._begin(part) if part.index < 0 else b""
        delta = {"type": kind[0], kind[1]: event.text}
        return begin + _frame("content_block_delta", index=part.index, delta=delta)

    def _cited(self, event: CitationAdded) -> bytes:
        part = self._parts.get(event.part)
        citation = write_citation(event.citation)
        if part is None or part.index < 0 or citation is None:
            return b""
        delta = {"type": "citations_delta", "citation": citation}
        return _frame("content_block_delta", index=part.index, delta=delta)

    def _closed(self, event: PartClosed) -> bytes:
        part = self._parts.pop(event.part, None)
        return b"" if part is None else self._close(part)

    def _close(self, part: _Part) -> bytes:
        stop = b"" if part.index < 0 else _frame("content_block_stop", index=part.index)
        if not part.sealed:
            return stop
        sealed = _Part(kind="reasoning", start={"type": "redacted_thinking", "data": part.sealed})
        begin = self._begin(sealed)
        return stop + begin + _frame("content_block_stop", index=sealed.index)

    def _stop(self, event: Stopped) -> bytes:
        self._stopped = event
        return b""

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""


_HANDLERS: dict[type[Event], Callable[[MessagesStreamWriter, Any], bytes]] = {
    Started: MessagesStreamWriter._started,
    PartOpened: MessagesStreamWriter._opened,
    PartDelta: MessagesStreamWriter._delta,
    CitationAdded: MessagesStreamWriter._cited,
    PartClosed: MessagesStreamWriter._closed,
    Stopped: MessagesStreamWriter._stop,
    UsageReported: MessagesStreamWriter._report,
    Failed: MessagesStreamWriter._failed,
}


def _start(event: PartOpened) -> Block | None:
    """The block as it starts; None for what only another wire knows."""
    own = event.extra.get("wire") == NAME
    extra: Extra = (
        {name: value for name, value in event.extra.items() if name != "wire"} if own else NOTHING
    )
    if event.kind == "opaque":
        return dict(extra) if own else None
    if event.kind == "tool_call":
        call: Block = {"type": "tool_use", "id": call_id(event.id), "name": event.name}
        return {**call, "input": {}, **extra}
    return {**_START[event.kind], **extra}


def _frame(kind: str, **body: Json) -> bytes:
    return frame(msgspec.json.encode({"type": kind, **body}), kind)
