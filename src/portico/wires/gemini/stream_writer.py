"""Canonical events as a stream of generateContent chunks, for a caller.

Law of the file: every chunk is a GenerateContentResponse; function calls and signatures come
whole; the tail (finish reasons, usage) leaves in `finish`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json, ToolCall
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
from portico.contract.usage import StopReason, Usage
from portico.wires import members
from portico.wires.gemini import logprobs, signatures
from portico.wires.gemini.answers import arguments
from portico.wires.gemini.failures import error_frame
from portico.wires.gemini.part_reader import Block, rest
from portico.wires.gemini.part_writer import write_call, write_thought
from portico.wires.gemini.tables import NAME, STOP_TO_WORD
from portico.wires.gemini.usage import write_usage
from portico.wires.sse import frame


class _Part(msgspec.Struct):
    opened: PartOpened
    arguments: str = ""
    signature: str = ""

    @property
    def kind(self) -> PartKind:
        return self.opened.kind


class GeminiStreamWriter:
    """Events into this door's stream. See the port `StreamWriter`."""

    def __init__(self) -> None:
        self._head: Block = {}
        self._parts: dict[tuple[int, int], _Part] = {}
        self._stopped: dict[int, Stopped] = {}
        self._usage: Usage | None = None
        self._over = False

    def write(self, event: Event) -> bytes:
        return b"" if self._over else _HANDLERS[type(event)](self, event)

    def finish(self, portico: bytes) -> bytes:
        """The last chunk: a finish reason for each candidate, the usage, and `portico`."""
        if self._over:
            return b""
        open_parts = list(self._parts)
        closed = b"".join(self._close(*key) for key in open_parts)
        self._over = True
        stopped = self._stopped or {0: Stopped(reason=StopReason.OTHER)}
        last: Block = {
            "candidates": [_finished(number, found) for number, found in stopped.items()],
            "usageMetadata": write_usage(self._usage),
            **self._head,
        }
        return closed + frame(members.stamp(msgspec.json.encode(last), "portico", portico))

    def fail(self, error: PorticoError) -> bytes:
        """The error chunk, which ends the stream."""
        self._over = True
        return error_frame(error)

    def _failed(self, event: Failed) -> bytes:
        return self.fail(event.error)

    def _chunk(self, choice: int, part: Block, tokens: Json = None) -> bytes:
        candidate: Block = {"content": {"parts": [part], "role": "model"}, "index": choice}
        if tokens is not None:
            candidate["logprobsResult"] = tokens
        return frame(msgspec.json.encode({"candidates": [candidate], **self._head}))

    def _started(self, event: Started) -> bytes:
        self._head = {"modelVersion": event.model, "responseId": event.id}
        return b""

    def _opened(self, event: PartOpened) -> bytes:
        self._parts[event.choice, event.part] = _Part(event)
        return b""

    def _delta(self, event: PartDelta) -> bytes:
        part = self._parts.get((event.choice, event.part))
        if part is None:
            return b""
        if event.field == "arguments":
            part.arguments += event.text
        elif event.field == "signature":
            part.signature += event.text
        elif event.field == "text" and event.text and part.kind != "opaque":
            thought = {"thought": True} if part.kind == "reasoning" else {}
            tokens = logprobs.write(event.logprobs)
            return self._chunk(event.choice, {"text": event.text, **thought}, tokens)
        return b""

    def _cited(self, event: CitationAdded) -> bytes:
        if not event.citation.url:
            return b""
        cited = event.citation
        source: Block = {"uri": cited.url, "title": cited.title}
        if cited.end is not None:
            source |= {"startIndex": cited.start or 0, "endIndex": cited.end}
        candidate: Block = {"index": event.choice, "citationMetadata": {"citations": [source]}}
        return frame(msgspec.json.encode({"candidates": [candidate], **self._head}))

    def _closed(self, event: PartClosed) -> bytes:
        return self._close(event.choice, event.part)

    def _close(self, choice: int, number: int) -> bytes:
        part = self._parts.pop((choice, number), None)
        if part is None:
            return b""
        extra = _own(part.opened.extra)
        if part.kind == "tool_call":
            call = ToolCall(id=part.opened.id, name=part.opened.name, arguments="")
            return self._chunk(choice, write_call(call, arguments(part.arguments), extra))
        if part.kind == "opaque" and extra:
            return self._chunk(choice, dict(extra))
        if part.signature:
            signature = signatures.for_caller(part.signature)
            return self._chunk(choice, write_thought("", signature, NOTHING))
        return b""

    def _stop(self, event: Stopped) -> bytes:
        self._stopped[event.choice] = event
        return b""

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""


_HANDLERS: dict[type[Event], Callable[[GeminiStreamWriter, Any], bytes]] = {
    Started: GeminiStreamWriter._started,
    PartOpened: GeminiStreamWriter._opened,
    PartDelta: GeminiStreamWriter._delta,
    CitationAdded: GeminiStreamWriter._cited,
    PartClosed: GeminiStreamWriter._closed,
    Stopped: GeminiStreamWriter._stop,
    UsageReported: GeminiStreamWriter._report,
    Failed: GeminiStreamWriter._failed,
}


def _own(extra: Extra) -> Extra:
    return rest(dict(extra), ("wire",)) if extra.get("wire") == NAME else NOTHING


def _finished(number: int, stopped: Stopped) -> Block:
    word = _own(stopped.extra).get("finishReason") or STOP_TO_WORD[stopped.reason]
    content: Block = {"parts": [{"text": ""}], "role": "model"}
    return {"content": content, "finishReason": word, "index": number}
