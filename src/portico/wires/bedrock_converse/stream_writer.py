"""Canonical events as a ConverseStream, for a caller.

Law of the file: blocks are numbered in the order in which they first say something, without
gaps; only tool calls announce their block, as Bedrock does; and the tail (messageStop,
metadata) leaves in `finish`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from portico.contract.conversation import Json
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
from portico.wires.bedrock_converse.answers import open_extra, stop_word
from portico.wires.bedrock_converse.block_writer import Block, blob, write_citation
from portico.wires.bedrock_converse.failures import error_frame
from portico.wires.bedrock_converse.usage import write_usage
from portico.wires.event_stream import head, seal

_PATHS: dict[tuple[PartKind, DeltaField], tuple[str, ...]] = {
    ("text", "text"): ("text",),
    ("refusal", "text"): ("text",),
    ("audio", "text"): ("text",),
    ("reasoning", "text"): ("reasoningContent", "text"),
    ("reasoning", "signature"): ("reasoningContent", "signature"),
    ("tool_call", "arguments"): ("toolUse", "input"),
}
"""Kind of part and field: the path within the delta to the member that holds its text."""

_HEADS: dict[str, bytes] = {
    kind: head({":event-type": kind, ":content-type": "application/json", ":message-type": "event"})
    for kind in (
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    )
}
"""The headers of each kind of event, as bytes."""


class _Part(msgspec.Struct):
    kind: PartKind
    index: int = -1
    sealed: str = ""


class ConverseStreamWriter:
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
        """The end of the message, with `portico` as a member of the metadata event."""
        if self._over:
            return b""
        begin = self._begin()
        closed = b"".join(self._close(part) for part in self._parts.values())
        self._over = True
        _, extra, usage = open_extra(self._stopped.extra)
        more = dict(extra)
        told = more.pop("metadata", None)
        word = stop_word(self._stopped.reason, self._refused, self._stopped.extra)
        metadata: Block = {
            "usage": write_usage(self._usage, usage),
            "metrics": {"latencyMs": 0},
            **(told if isinstance(told, dict) else {}),
        }
        stamped = members.stamp(msgspec.json.encode(metadata), "portico", portico)
        stop = _event("messageStop", {"stopReason": word, **more})
        return b"".join((begin, closed, stop, _frame("metadata", stamped)))

    def fail(self, error: PorticoError) -> bytes:
        """The exception, which ends the stream."""
        self._over = True
        return error_frame(error)

    def _failed(self, event: Failed) -> bytes:
        return self.fail(event.error)

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return _event("messageStart", {"role": "assistant"})

    def _started(self, event: Started) -> bytes:
        return self._begin()

    def _opened(self, event: PartOpened) -> bytes:
        begin = self._begin()
        if event.kind == "opaque":
            return begin
        self._refused = self._refused or event.kind == "refusal"
        part = self._parts[event.part] = _Part(kind=event.kind)
        if event.kind != "tool_call":
            return begin
        self._number(part)
        start = {"toolUse": {"toolUseId": event.id, "name": event.name}}
        return begin + _event(
            "contentBlockStart", {"start": start, "contentBlockIndex": part.index}
        )

    def _number(self, part: _Part) -> None:
        if part.index < 0:
            part.index = self._blocks
            self._blocks += 1

    def _delta(self, event: PartDelta) -> bytes:
        part = self._parts.get(event.part)
        if part is None:
            return b""
        if event.field == "sealed":
            part.sealed += event.text
            return b""
        path = _PATHS.get((part.kind, event.field))
        return b"" if path is None else self._say(part, path, event.text)

    def _say(self, part: _Part, path: tuple[str, ...], value: Json) -> bytes:
        self._number(part)
        for name in reversed(path):
            value = {name: value}
        return _event("contentBlockDelta", {"delta": value, "contentBlockIndex": part.index})

    def _cited(self, event: CitationAdded) -> bytes:
        part = self._parts.get(event.part)
        citation = write_citation(event.citation)
        if part is None or part.kind != "text" or citation is None:
            return b""
        return self._say(part, ("citation",), citation)

    def _closed(self, event: PartClosed) -> bytes:
        part = self._parts.pop(event.part, None)
        return b"" if part is None else self._close(part)

    def _close(self, part: _Part) -> bytes:
        stop = b"" if part.index < 0 else _stop(part)
        if not part.sealed:
            return stop
        sealed = _Part(kind="reasoning")
        path = ("reasoningContent", "redactedContent")
        return stop + self._say(sealed, path, blob(part.sealed)) + _stop(sealed)

    def _stop(self, event: Stopped) -> bytes:
        self._stopped = event
        return b""

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""


_HANDLERS: dict[type[Event], Callable[[ConverseStreamWriter, Any], bytes]] = {
    Started: ConverseStreamWriter._started,
    PartOpened: ConverseStreamWriter._opened,
    PartDelta: ConverseStreamWriter._delta,
    CitationAdded: ConverseStreamWriter._cited,
    PartClosed: ConverseStreamWriter._closed,
    Stopped: ConverseStreamWriter._stop,
    UsageReported: ConverseStreamWriter._report,
    Failed: ConverseStreamWriter._failed,
}


def _stop(part: _Part) -> bytes:
    return _event("contentBlockStop", {"contentBlockIndex": part.index})


def _event(kind: str, body: Block) -> bytes:
    return _frame(kind, msgspec.json.encode(body))


def _frame(kind: str, payload: bytes) -> bytes:
    return seal(_HEADS[kind], payload)
