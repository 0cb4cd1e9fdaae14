"""A provider's stream of chunks as canonical events.

Law of the file: within a choice one part is open at a time. OpenAI's deltas name no part, so a
delta of another kind, or of another tool call, closes the part before it.

Source: https://platform.openai.com/docs/api-reference/chat-streaming.
"""

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json
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
from portico.contract.usage import StopReason
from portico.wires.openai_chat import schema, usage
from portico.wires.openai_chat.answers import read_citation, seconds, stop_reason
from portico.wires.openai_chat.failures import (
    cut,
    is_torn,
    not_a_chunk,
    read_error_event,
    read_stream_error,
)
from portico.wires.openai_chat.message_reader import arguments_text, rest
from portico.wires.openai_chat.schema import NAME, NO_DELTA
from portico.wires.sse import SseFrame, SseReader

DONE = b"[DONE]"

_CHUNK = frozenset(("id", "object", "created", "model", "choices", "usage", "obfuscation"))
_THOUGHT: Extra = {"wire": NAME, "member": "reasoning"}

MOST_CHOICES = 128
"""Choices of one stream: as many as a request may ask for."""
MOST_CALLS = 1024
"""Tool calls of one choice."""

Key = tuple[PartKind, int]
"""What tells one part from the next: its kind and, for tool calls, OpenAI's index."""


class _Choice:
    """One choice of the stream: the part that is open, and how many there were."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.parts = 0
        self.open: Key | None = None
        self.calls: set[int] = set()
        self.refused = False
        self.stopped = False

    def deliver(self, key: Key, delta: PartDelta, opening: PartOpened) -> list[Event]:
        """Opens the part where it is new, and gives the delta its place."""
        if self.open == key:
            return [msgspec.structs.replace(delta, part=self.parts - 1, choice=self.index)]
        events = self.close()
        self.open = key
        part = self.parts
        self.parts += 1
        events.append(msgspec.structs.replace(opening, part=part, choice=self.index))
        if delta.text or delta.logprobs is not None:
            events.append(msgspec.structs.replace(delta, part=part, choice=self.index))
        return events

    def close(self) -> list[Event]:
        if self.open is None:
            return []
        self.open = None
        return [PartClosed(part=self.parts - 1, choice=self.index)]


class ChatStreamReader:
    """See the port `StreamReader`."""

    def __init__(self) -> None:
        self._frames = SseReader()
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._over = False
        self._tier: Json = None

    @property
    def complete(self) -> bool:
        return self._over

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        try:
            return self._read(self._frames.feed(data))
        except PorticoError as error:
            return self._fail(error)

    def close(self) -> list[Event]:
        if self._over:
            return []
        # Raises nothing: what is left has been measured as it came.
        events = self._read(self._frames.close())
        last = events[-1] if events else None
        if isinstance(last, Failed) and is_torn(last.error):
            events.pop()
        elif self._over:
            return events
        self._over = True
        if self._choices and all(choice.stopped for choice in self._choices.values()):
            return events
        return [*events, Failed(error=cut())]

    def _read(self, frames: list[SseFrame]) -> list[Event]:
        events: list[Event] = []
        for found in frames:
            if self._over:
                break
            if found.data == DONE:
                events += self._done()
            elif found.data:
                try:
                    events += self._chunk(found)
                except PorticoError as error:
                    events += self._fail(error)
        return events

    def _fail(self, error: PorticoError) -> list[Event]:
        self._over = True
        return [Failed(error=error)]

    def _done(self) -> list[Event]:
        """The end. A choice that gave no reason to stop still stops."""
        self._over = True
        events: list[Event] = []
        for choice in self._choices.values():
            if not choice.stopped:
                events += [
                    *choice.close(),
                    Stopped(reason=StopReason.OTHER, choice=choice.index),
                ]
        return events

    def _chunk(self, found: SseFrame) -> list[Event]:
        chunk = read_chunk(found)
        events: list[Event] = []
        self._tier = chunk.service_tier or self._tier
        counted = usage.read(chunk.usage, self._tier)
        if chunk.error is not None:
            if counted is not None:
                events.append(UsageReported(usage=counted))
            return [*events, *self._fail(read_stream_error(chunk.error))]
        if not self._started:
            self._started = True
            events.append(_started(chunk, found.data))
        for choice in chunk.choices or ():
            events += self._choice(choice)
        if counted is not None:
            events.append(UsageReported(usage=counted))
        return events

    def _choice(self, found: schema.ChunkChoice) -> list[Event]:
        choice = self._choices.get(found.index)
        if choice is None:
            if len(self._choices) >= MOST_CHOICES:
                raise _overgrown("choices", MOST_CHOICES)
            choice = self._choices[found.index] = _Choice(found.index)
        if choice.stopped:
            return []
        events = _texts(choice, found) if found.delta else []
        delta = found.delta or NO_DELTA
        if delta.audio is not None:
            events += _audio(choice, delta.audio)
        for place, call in enumerate(delta.tool_calls or ()):
            events += _tool_call(choice, call, place)
        if delta.function_call is not None:
            whole = schema.ToolCallDelta(index=0, function=delta.function_call)
            events += _tool_call(choice, whole, 0)
        if found.finish_reason is not None:
            events += _stopped(choice, found)
        return events


def read_chunk(found: SseFrame) -> schema.Chunk:
    """A chunk, which may be an error. Raises what an error frame means, and UpstreamFailed for
    what is no chunk."""
    if found.event == "error":
        raise read_error_event(found.data)
    try:
        return schema.chunks.decode(found.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_a_chunk() from None


def _started(chunk: schema.Chunk, data: bytes) -> Started:
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_a_chunk() from None
    return Started(
        id=chunk.id or "",
        model=chunk.model or "",
        created=seconds(chunk.created),
        extra={**rest(raw, _CHUNK), "wire": NAME},
    )


def _texts(choice: _Choice, found: schema.ChunkChoice) -> list[Event]:
    delta = found.delta or NO_DELTA
    events: list[Event] = []
    thought = delta.reasoning_content or delta.reasoning
    if thought:
        extra = NOTHING if delta.reasoning_content else _THOUGHT
        events += _text(choice, "reasoning", thought, extra=extra)
    if delta.content or (found.logprobs is not None and delta.content is not None):
        events += _text(choice, "text", delta.content or "", logprobs=found.logprobs)
    if delta.refusal:
        choice.refused = True
        events += _text(choice, "refusal", delta.refusal, logprobs=found.logprobs)
    for annotation in delta.annotations or ():
        citation = read_citation(annotation)
        if citation is None:
            continue
        if choice.open != ("text", 0):
            events += _text(choice, "text", "")
        place = choice.parts - 1
        events.append(CitationAdded(part=place, citation=citation, choice=choice.index))
    return events


def _text(
    choice: _Choice, kind: PartKind, text: str, *, extra: Extra = NOTHING, logprobs: Json = None
) -> list[Event]:
    delta = PartDelta(part=0, text=text, logprobs=logprobs)
    return choice.deliver((kind, 0), delta, PartOpened(part=0, kind=kind, extra=extra))


def _audio(choice: _Choice, audio: schema.Audio) -> list[Event]:
    opening = PartOpened(part=0, kind="audio", id=audio.id)
    events: list[Event] = []
    fields: tuple[tuple[str | None, DeltaField], ...] = (
        (audio.transcript, "text"),
        (audio.data, "audio"),
    )
    for text, field in fields:
        if text or (choice.open is None and audio.id and field == "text"):
            delta = PartDelta(part=0, text=text or "", field=field)
            events += choice.deliver(("audio", 0), delta, opening)
    return events


def _tool_call(choice: _Choice, call: schema.ToolCallDelta, place: int) -> list[Event]:
    index = place if call.index is None else call.index
    key: Key = ("tool_call", index)
    made = call.function or schema.FunctionCall()
    text = arguments_text(made.arguments)
    if index in choice.calls:
        if not text:
            return []
        if choice.open != key:
            raise UpstreamFailed(
                "The provider went back to a tool call after it had begun something else; "
                "ask for `parallel_tool_calls: false` or name another model.",
                detail={"stage": "between_chunks", "kind": "interleaved"},
            )
    if len(choice.calls) >= MOST_CALLS:
        raise _overgrown("tool calls", MOST_CALLS)
    choice.calls.add(index)
    delta = PartDelta(part=0, text=text, field="arguments")
    opening = PartOpened(part=0, kind="tool_call", id=call.id or "", name=made.name)
    return choice.deliver(key, delta, opening)


def _overgrown(what: str, most: int) -> UpstreamFailed:
    return UpstreamFailed(
        f"The provider's stream has more than {most} {what}; the stream was ended. "
        "Ask for fewer, or name another model.",
        detail={"stage": "between_chunks", "kind": "overgrown"},
    )


def _stopped(choice: _Choice, found: schema.ChunkChoice) -> list[Event]:
    choice.stopped = True
    sequence = found.stop_reason if isinstance(found.stop_reason, str) else None
    reason = stop_reason(found.finish_reason, sequence, choice.refused)
    stopped = Stopped(reason=reason, choice=choice.index, sequence=sequence or None)
    return [*choice.close(), stopped]
