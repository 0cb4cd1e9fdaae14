"""A ConverseStream as canonical events.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

Law of the file: one table of handlers by event type. Only tool calls announce their block;
text and reasoning begin with their first delta. Events, blocks and deltas of kinds that are
new to us pass unread. `messageStop` waits for the `metadata` that follows it, so that both
tell one end.
"""

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import PorticoError
from portico.contract.events import (
    CitationAdded,
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
from portico.wires.bedrock_converse.answers import own_extra, sequence, stop_reason
from portico.wires.bedrock_converse.block_reader import Block, read_citation, rest
from portico.wires.bedrock_converse.failures import cut, malformed, read_exception
from portico.wires.bedrock_converse.tables import NAME, UNREADABLE
from portico.wires.bedrock_converse.usage import read_usage
from portico.wires.event_stream import LIMIT, EventFrame, EventStreamReader

MOST_OPEN = 1000
"""Blocks that may be open at once; Bedrock opens one after the other."""
MOST_SEALED = LIMIT
"""Bytes of sealed reasoning that are gathered for one block."""


class StreamEvent(msgspec.Struct, rename="camel"):
    """The members of every event that are read here."""

    content_block_index: int = 0
    start: Block = {}
    delta: Block = {}
    stop_reason: str | None = None
    usage: Block | None = None
    service_tier: Json = None


class _OpenPart(msgspec.Struct):
    part: int
    kind: PartKind | None
    """None for a block that is not read."""
    argued: bool = False
    sealed: bytearray = msgspec.field(default_factory=bytearray)


_decoder = msgspec.json.Decoder(StreamEvent)


class ConverseStreamReader:
    """A provider's stream into events. See the port `StreamReader`."""

    def __init__(self) -> None:
        self._frames = EventStreamReader()
        self._open: dict[int, _OpenPart] = {}
        self._parts = 0
        self._begun = False
        self._over = False
        self._stopped: tuple[str, Block] | None = None

    @property
    def complete(self) -> bool:
        return self._over

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._frames.feed(data) if not self._over else ():
            if not self._over:
                events += self._read(frame)
        if self._frames.failure is not None and not self._over:
            events += self._fail(self._frames.failure)
        return events

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._frames.close()
        if self._frames.failure is not None:
            return self._fail(self._frames.failure)
        return self._fail(cut()) if self._stopped is None else self._end(_NOTHING_MORE, {})

    def _read(self, frame: EventFrame) -> list[Event]:
        if frame.header(":message-type") in {"exception", "error"}:
            return self._fail(read_exception(frame))
        handler = _HANDLERS.get(frame.header(":event-type"))
        if handler is None:
            return []
        try:
            body = msgspec.json.decode(frame.payload)
            event = msgspec.convert(body, StreamEvent)
        except UNREADABLE:
            return self._fail(malformed("between_chunks"))
        return [*self._start(), *handler(self, event, body)]

    def _start(self) -> list[Event]:
        if self._begun:
            return []
        self._begun = True
        return [Started(id="", model="", extra={"wire": NAME})]

    def _fail(self, error: PorticoError) -> list[Event]:
        self._over = True
        return [Failed(error=error)]

    def _message_start(self, event: StreamEvent, body: Block) -> list[Event]:
        return []

    def _block_start(self, event: StreamEvent, body: Block) -> list[Event]:
        tool = event.start.get("toolUse")
        if not event.start:
            return []  # text or reasoning, which its deltas tell
        if not isinstance(tool, dict) or "type" in tool:
            return self._opened(event.content_block_index, None)
        return self._opened(
            event.content_block_index, "tool_call", _text(tool, "toolUseId"), _text(tool, "name")
        )

    def _opened(
        self, index: int, kind: PartKind | None, call: str = "", name: str = ""
    ) -> list[Event]:
        events = self._close(index)
        if len(self._open) >= MOST_OPEN:
            return self._fail(malformed("between_chunks"))
        self._open[index] = _OpenPart(part=self._parts, kind=kind)
        if kind is None:
            return events
        self._parts += 1
        return [*events, PartOpened(part=self._parts - 1, kind=kind, id=call, name=name)]

    def _block_delta(self, event: StreamEvent, body: Block) -> list[Event]:
        member, value = next(iter(event.delta.items()), ("", None))
        kind = _KINDS.get(member)
        opened = self._open.get(event.content_block_index)
        if kind is None or (opened is not None and opened.kind != kind):
            return []
        events = [] if opened is not None else self._opened(event.content_block_index, kind)
        opened = self._open.get(event.content_block_index)
        if self._over or opened is None:
            return events
        return [*events, *self._said(opened, member, value)]

    def _said(self, opened: _OpenPart, member: str, value: Json) -> list[Event]:
        if member == "citation":
            return [CitationAdded(part=opened.part, citation=read_citation(value))]
        if member == "text":
            return _delta(opened, "text", value)
        if not isinstance(value, dict):
            return []
        if member == "toolUse":
            deltas = _delta(opened, "arguments", value.get("input"))
            opened.argued = opened.argued or bool(deltas)
            return deltas
        if "redactedContent" in value:
            return self._seal(opened, value["redactedContent"])
        return [
            *_delta(opened, "text", value.get("text")),
            *_delta(opened, "signature", value.get("signature")),
        ]

    def _seal(self, opened: _OpenPart, value: Json) -> list[Event]:
        """Blobs are joined as bytes: base64 texts one behind the other are no base64."""
        try:
            opened.sealed += a2b_base64(value if isinstance(value, str) else "")
        except ValueError:
            return self._fail(malformed("between_chunks"))
        if len(opened.sealed) > MOST_SEALED:
            return self._fail(malformed("between_chunks"))
        return []

    def _block_stop(self, event: StreamEvent, body: Block) -> list[Event]:
        return self._close(event.content_block_index)

    def _close(self, index: int) -> list[Event]:
        opened = self._open.pop(index, None)
        if opened is None or opened.kind is None:
            return []
        closed = PartClosed(part=opened.part)
        if opened.kind == "tool_call" and not opened.argued:
            return [PartDelta(part=opened.part, text="{}", field="arguments"), closed]
        if opened.sealed:
            text = b64encode(opened.sealed).decode()
            return [PartDelta(part=opened.part, text=text, field="sealed"), closed]
        return [closed]

    def _message_stop(self, event: StreamEvent, body: Block) -> list[Event]:
        self._stopped = (event.stop_reason or "", dict(rest(body, ("stopReason", "p"))))
        return [closed for index in list(self._open) for closed in self._close(index)]

    def _metadata(self, event: StreamEvent, body: Block) -> list[Event]:
        usage = read_usage(event.usage, event.service_tier)
        reported: list[Event] = [] if usage is None else [UsageReported(usage=usage)]
        if self._stopped is None:
            return reported
        return [*reported, *self._end(event, body)]

    def _end(self, event: StreamEvent, body: Block) -> list[Event]:
        """The end of the message, with what its last two events said beside."""
        self._over = True
        word, more = self._stopped or ("", {})
        extra = {**more, "metadata": rest(body, ("usage", "p"))}
        stopped = Stopped(
            reason=stop_reason(word),
            sequence=sequence(more.get("additionalModelResponseFields")),
            extra=own_extra(extra, word, event.usage),
        )
        return [stopped]


_NOTHING_MORE = StreamEvent()

_KINDS: dict[str, PartKind] = {
    "text": "text",
    "citation": "text",
    "reasoningContent": "reasoning",
    "toolUse": "tool_call",
}
"""Member of a delta: the kind of part that it belongs to."""

_HANDLERS: dict[str, Callable[[ConverseStreamReader, StreamEvent, Block], list[Event]]] = {
    "messageStart": ConverseStreamReader._message_start,
    "contentBlockStart": ConverseStreamReader._block_start,
    "contentBlockDelta": ConverseStreamReader._block_delta,
    "contentBlockStop": ConverseStreamReader._block_stop,
    "messageStop": ConverseStreamReader._message_stop,
    "metadata": ConverseStreamReader._metadata,
}


def _delta(opened: _OpenPart, field: str, text: Json) -> list[Event]:
    if not isinstance(text, str) or not text:
        return []
    return [PartDelta(part=opened.part, text=text, field=field)]  # type: ignore[arg-type] # ours


def _text(body: Block, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
