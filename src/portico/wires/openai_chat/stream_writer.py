"""Canonical events as a stream of chunks, for a caller.

Law of the file: what follows the last delta leaves in `finish`, so that what is known only at
the end rides in the usage chunk where usage was asked for, otherwise in the last chunk with a
finish reason; then `[DONE]`, and nothing after it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from portico.contract.call import WireRequest
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
from portico.wires.openai_chat import usage
from portico.wires.openai_chat.answers import stop_word, write_citation
from portico.wires.openai_chat.failures import error_frame
from portico.wires.openai_chat.message_reader import rest
from portico.wires.openai_chat.message_writer import Body
from portico.wires.openai_chat.schema import NAME
from portico.wires.sse import frame

DONE_FRAME = b"data: [DONE]\n\n"
LONGEST_NAME = 256
"""Characters of an id or a model: every chunk repeats them, so their length multiplies."""

_MEMBERS: dict[tuple[PartKind, DeltaField], str] = {
    ("text", "text"): "content",
    ("refusal", "text"): "refusal",
    ("reasoning", "text"): "reasoning_content",
}
"""Kind of part and field: the member of `delta` that holds its text."""


class _Part(msgspec.Struct):
    kind: PartKind
    member: str | None = None
    call: int = -1
    id: str = ""


class _Choice(msgspec.Struct):
    parts: dict[int, _Part] = {}
    calls: int = 0
    refused: bool = False
    stopped: Stopped | None = None


class ChatStreamWriter:
    """See the port `StreamWriter`."""

    def __init__(self, request: WireRequest) -> None:
        self._wants_usage = request.wants_usage
        self._head: Body = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None
        self._over = False

    def write(self, event: Event) -> bytes:
        if self._over:
            return b""
        begin = b""
        number = getattr(event, "choice", None)
        if isinstance(number, int) and number not in self._choices:
            self._choices[number] = _Choice(parts={})
            begin = self._chunk(number, {"role": "assistant", "content": ""})
        return begin + _HANDLERS[type(event)](self, event)

    def finish(self, portico: bytes) -> bytes:
        if self._over:
            return b""
        begin = b"" if self._choices else self.write(Stopped(reason=StopReason.OTHER))
        self._over = True
        tail = [self._finished(number, choice) for number, choice in self._choices.items()]
        if self._wants_usage:
            counted = usage.write(self._usage or Usage())
            tail.append({**self._top(), "choices": [], "usage": counted})
        *others, last = (msgspec.json.encode(chunk) for chunk in tail)
        framed = [frame(chunk) for chunk in others]
        stamped = frame(members.stamp(last, "portico", portico))
        return b"".join((begin, *framed, stamped, DONE_FRAME))

    def fail(self, error: PorticoError) -> bytes:
        """The error frame, which ends the stream."""
        self._over = True
        return error_frame(error)

    def _top(self) -> Body:
        return self._head or _head(Started(id="", model=""))

    def _chunk(self, number: int, delta: Body, logprobs: Json = None) -> bytes:
        choice: Body = {"index": number, "delta": delta, "finish_reason": None}
        if logprobs is not None:
            choice["logprobs"] = logprobs
        chunk = {**self._top(), "choices": [choice]}
        if self._wants_usage:
            chunk["usage"] = None
        return frame(msgspec.json.encode(chunk))

    def _finished(self, number: int, choice: _Choice) -> Body:
        stopped = choice.stopped or Stopped(reason=StopReason.OTHER)
        word = stop_word(stopped.reason, choice.refused)
        body: Body = {"index": number, "delta": {}, "finish_reason": word}
        if stopped.sequence:
            body["stop_reason"] = stopped.sequence
        chunk: Body = {**self._top(), "choices": [body]}
        return {**chunk, "usage": None} if self._wants_usage else chunk

    def _started(self, event: Started) -> bytes:
        self._head = _head(event)
        return b""

    def _opened(self, event: PartOpened) -> bytes:
        choice = self._choices[event.choice]
        part = choice.parts[event.part] = _Part(kind=event.kind, id=event.id)
        own = event.extra.get("wire") == NAME
        if event.kind == "refusal":
            choice.refused = True
        if event.kind == "reasoning" and own:
            part.member = str(event.extra.get("member", "reasoning_content"))
        if event.kind == "audio" and event.id:
            return self._chunk(event.choice, {"audio": {"id": event.id}})
        if event.kind != "tool_call":
            return b""
        part.call = choice.calls
        choice.calls += 1
        call: Body = {
            "index": part.call,
            "id": event.id,
            "type": "function",
            "function": {"name": event.name, "arguments": ""},
        }
        return self._chunk(event.choice, {"tool_calls": [call]})

    def _delta(self, event: PartDelta) -> bytes:
        part = self._choices[event.choice].parts.get(event.part)
        if part is None:
            return b""
        if part.kind == "tool_call" and event.field == "arguments":
            call = {"index": part.call, "function": {"arguments": event.text}}
            return self._chunk(event.choice, {"tool_calls": [call]})
        if part.kind == "audio":
            member = "transcript" if event.field == "text" else "data"
            return self._chunk(event.choice, {"audio": {member: event.text}})
        member = _MEMBERS.get((part.kind, event.field), "")
        if not member:
            return b""
        return self._chunk(event.choice, {part.member or member: event.text}, event.logprobs)

    def _cited(self, event: CitationAdded) -> bytes:
        body = write_citation(event.citation)
        return b"" if body is None else self._chunk(event.choice, {"annotations": [body]})

    def _closed(self, event: PartClosed) -> bytes:
        self._choices[event.choice].parts.pop(event.part, None)
        return b""

    def _stop(self, event: Stopped) -> bytes:
        self._choices[event.choice].stopped = event
        return b""

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _failed(self, event: Failed) -> bytes:
        return self.fail(event.error)


_HANDLERS: dict[type[Event], Callable[[ChatStreamWriter, Any], bytes]] = {
    Started: ChatStreamWriter._started,
    PartOpened: ChatStreamWriter._opened,
    PartDelta: ChatStreamWriter._delta,
    CitationAdded: ChatStreamWriter._cited,
    PartClosed: ChatStreamWriter._closed,
    Stopped: ChatStreamWriter._stop,
    UsageReported: ChatStreamWriter._report,
    Failed: ChatStreamWriter._failed,
}


def _head(event: Started) -> Body:
    """The members that every chunk begins with."""
    extra: Extra = event.extra if event.extra.get("wire") == NAME else NOTHING
    return {
        "id": event.id[:LONGEST_NAME],
        "object": "chat.completion.chunk",
        "created": event.created or 0,
        "model": event.model[:LONGEST_NAME],
        **rest(dict(extra), ("wire",)),
    }
