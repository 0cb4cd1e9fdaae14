"""A Messages stream as canonical events. https://platform.claude.com/docs/en/build-with-claude/streaming

Law of the file: one table of handlers by event type, one of deltas by delta type. Types that
are not in them are new to us and pass unread, as Anthropic's versioning policy asks.
"""

from collections.abc import Callable

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json, Part, Reasoning, Text, ToolCall
from portico.contract.errors import PorticoError, UpstreamFailed
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
from portico.wires.anthropic_messages.answers import malformed, own_extra, stop_reason
from portico.wires.anthropic_messages.block_reader import Block, read_block, read_citation, rest
from portico.wires.anthropic_messages.failures import read_stream_error
from portico.wires.anthropic_messages.tables import FRAME_LIMIT, NAME, UNREADABLE
from portico.wires.anthropic_messages.usage import merge, read_usage
from portico.wires.sse import SseFrame, SseReader


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    usage: dict[str, Json] | None = None


class StreamEvent(msgspec.Struct):
    """The members of every event that are read here."""

    type: str
    index: int = 0
    message: dict[str, Json] = {}
    content_block: dict[str, Json] = {}
    delta: dict[str, Json] = {}
    usage: dict[str, Json] | None = None


_DELTAS: dict[str, tuple[str, DeltaField]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "text"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "arguments"),
}
"""Type of delta: the member that holds its text, and the field of the part that it adds to."""

MOST_OPEN = 1000
"""Blocks that may be open at once; Anthropic opens one after the other."""

_MESSAGE = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
_decoder = msgspec.json.Decoder(StreamEvent)


def cut() -> UpstreamFailed:
    return UpstreamFailed(
        "The upstream's stream ended before its last event; what came until then is incomplete.",
        detail={"stage": "between_chunks", "kind": "cut"},
    )


class _OpenPart(msgspec.Struct):
    """A part that is not closed yet. `start` is tool input that came with its start."""

    part: int
    tool: bool = False
    start: str = ""
    argued: bool = False


class MessagesStreamReader:
    """A provider's stream into events. See the port `StreamReader`."""

    def __init__(self) -> None:
        self._frames = SseReader(FRAME_LIMIT)
        self._usage: dict[str, Json] = {}
        self._open: dict[int, _OpenPart] = {}
        self._parts = 0
        self._over = False

    @property
    def complete(self) -> bool:
        return self._over

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        try:
            frames = self._frames.feed(data)
        except PorticoError as error:
            return self._fail(error)
        return self._events(frames)

    def close(self) -> list[Event]:
        if self._over:
            return []
        events = self._events(self._frames.close())
        return events if self._over else [*events, *self._fail(cut())]

    def _events(self, frames: list[SseFrame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if frame.data and not self._over:
                events += self._read(frame.data)
        return events

    def _read(self, data: bytes) -> list[Event]:
        try:
            event = _decoder.decode(data)
        except UNREADABLE:
            return self._fail(malformed("between_chunks"))
        if event.type == "error":
            return self._fail(read_stream_error(data))
        handler = _HANDLERS.get(event.type)
        return [] if handler is None else handler(self, event)

    def _fail(self, error: PorticoError) -> list[Event]:
        self._over = True
        return [Failed(error=error)]

    def _message_start(self, event: StreamEvent) -> list[Event]:
        try:
            message = msgspec.convert(event.message, _Message)
        except msgspec.ValidationError:
            return self._fail(malformed("between_chunks"))
        self._usage = merge({}, message.usage)
        extra = own_extra(rest(event.message, _MESSAGE), message.usage)
        return [Started(id=message.id, model=message.model, extra=extra), *self._reported()]

    def _block_start(self, event: StreamEvent) -> list[Event]:
        if len(self._open) >= MOST_OPEN:
            return self._fail(malformed("between_chunks"))
        opened = _OpenPart(part=self._parts)
        self._parts += 1
        self._open[event.index] = opened
        block = event.content_block
        part = read_block(_whole(block))
        if isinstance(part, ToolCall):
            opened.tool = True
            opened.start = "" if part.arguments == "{}" else part.arguments
            return [_opened(opened, "tool_call", part.extra, part.id, part.name)]
        if isinstance(part, Text):
            return [_opened(opened, "text", part.extra), *_begun(opened, part)]
        if isinstance(part, Reasoning):
            return [_opened(opened, "reasoning", part.extra), *_begun(opened, part)]
        return [_opened(opened, "opaque", block, _word(block, "id"), _word(block, "name"))]

    def _block_delta(self, event: StreamEvent) -> list[Event]:
        opened = self._open.get(event.index)
        if opened is None:
            return self._fail(malformed("between_chunks"))
        kind = event.delta.get("type")
        if kind == "citations_delta":
            citation = read_citation(event.delta.get("citation"))
            return [CitationAdded(part=opened.part, citation=citation)]
        member, field = _DELTAS.get(kind, ("", "text")) if isinstance(kind, str) else ("", "text")
        text = event.delta.get(member)
        if not isinstance(text, str) or not text:
            return []
        opened.argued = opened.argued or field == "arguments"
        return [PartDelta(part=opened.part, text=text, field=field)]

    def _block_stop(self, event: StreamEvent) -> list[Event]:
        opened = self._open.pop(event.index, None)
        if opened is None:
            return []
        closed = PartClosed(part=opened.part)
        if opened.tool and not opened.argued:
            text = opened.start or "{}"
            return [PartDelta(part=opened.part, text=text, field="arguments"), closed]
        return [closed]

    def _message_delta(self, event: StreamEvent) -> list[Event]:
        self._usage = merge(self._usage, event.usage)
        word = event.delta.get("stop_reason")
        if not isinstance(word, str):
            return self._reported()
        sequence = event.delta.get("stop_sequence")
        stopped = Stopped(
            reason=stop_reason(word),
            sequence=sequence if isinstance(sequence, str) else None,
            extra=own_extra(rest(event.delta, ("stop_reason", "stop_sequence")), event.usage),
        )
        return [*self._reported(), stopped]

    def _message_stop(self, event: StreamEvent) -> list[Event]:
        self._over = True
        return []

    def _reported(self) -> list[Event]:
        usage = read_usage(self._usage)
        return [] if usage is None else [UsageReported(usage=usage)]


_HANDLERS: dict[str, Callable[[MessagesStreamReader, StreamEvent], list[Event]]] = {
    "message_start": MessagesStreamReader._message_start,
    "content_block_start": MessagesStreamReader._block_start,
    "content_block_delta": MessagesStreamReader._block_delta,
    "content_block_stop": MessagesStreamReader._block_stop,
    "message_delta": MessagesStreamReader._message_delta,
    "message_stop": MessagesStreamReader._message_stop,
}


def _whole(block: Block) -> Block:
    """A block as it starts, with the members that only later events bring."""
    return {"thinking": "", **block} if block.get("type") == "thinking" else block


def _opened(
    opened: _OpenPart, kind: PartKind, extra: Extra, call: str = "", name: str = ""
) -> PartOpened:
    marked = {**extra, "wire": NAME} if extra else NOTHING
    return PartOpened(part=opened.part, kind=kind, id=call, name=name, extra=marked)


def _begun(opened: _OpenPart, part: Part) -> list[Event]:
    """What a block already says when it starts; normally nothing."""
    events: list[Event] = []
    if isinstance(part, Text):
        events += [CitationAdded(part=opened.part, citation=found) for found in part.citations]
    said: tuple[tuple[str | None, DeltaField], ...] = ()
    if isinstance(part, Text):
        said = ((part.text, "text"),)
    elif isinstance(part, Reasoning):
        said = ((part.text, "text"), (part.signature, "signature"), (part.sealed, "sealed"))
    events += [PartDelta(part=opened.part, text=text, field=field) for text, field in said if text]
    return events


def _word(block: Block, name: str) -> str:
    value = block.get(name)
    return value if isinstance(value, str) else ""
