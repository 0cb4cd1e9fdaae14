"""A stream of generateContent chunks as canonical events.

Law of the file: nothing on this wire says that a chunk is the last, and older models repeat
the finish reason on every chunk; so `Stopped` waits for the end of the stream, and a stream
that ends before each of its candidates has finished was cut.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

import msgspec

from portico.contract.conversation import NOTHING, Extra, Json, Part, Reasoning, Text, ToolCall
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
from portico.contract.usage import StopReason
from portico.wires.gemini import logprobs, signatures
from portico.wires.gemini.answers import (
    Candidate,
    Response,
    answered,
    decoder,
    gather,
    parts_of,
    read_candidate,
    stop_reason,
)
from portico.wires.gemini.failures import cut, is_torn, not_an_answer, read_stream_error
from portico.wires.gemini.grounding import citations
from portico.wires.gemini.part_reader import Block, read_part, rest
from portico.wires.gemini.streamed_calls import StreamedCalls
from portico.wires.gemini.tables import FRAME_LIMIT, MOST_CANDIDATES, NAME, UNREADABLE
from portico.wires.gemini.usage import read_usage
from portico.wires.sse import SseFrame, SseReader


class _Choice(msgspec.Struct):
    """Where a candidate stands: its parts so far, and the one that is open."""

    parts: int = 0
    kind: PartKind | None = None
    said: int = -1
    """The last part that holds text, to which citations belong."""
    ascii: bool = True
    called: bool = False
    word: str | None = None
    calls: StreamedCalls = msgspec.field(default_factory=StreamedCalls)


class GeminiStreamReader:
    """A provider's stream into events. See the port `StreamReader`."""

    def __init__(self) -> None:
        self._frames = SseReader(FRAME_LIMIT)
        self._choices: dict[int, _Choice] = {}
        self._id = ""
        self._begun = False
        self._blocked = False
        self._over = False
        self._queries: set[str] = set()

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
        if self._over:
            return [_as_cut(event) for event in events]
        finished = [choice.word is not None for choice in self._choices.values()]
        if not all(finished) or not (finished or self._blocked):
            return [*events, *self._fail(cut())]
        self._over = True
        return [*events, *self._stopped()]

    def _stopped(self) -> list[Event]:
        if not self._choices:
            return [Stopped(reason=StopReason.CONTENT_FILTER)]
        events: list[Event] = []
        for number, choice in self._choices.items():
            events += _close(number, choice)
            reason = stop_reason(choice.word, choice.called)
            extra: Extra = {"wire": NAME, "finishReason": choice.word}
            events.append(Stopped(reason=reason, choice=number, extra=extra))
        return events

    def _fail(self, error: PorticoError) -> list[Event]:
        self._over = True
        return [Failed(error=error)]

    def _events(self, frames: list[SseFrame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if frame.data and not self._over:
                try:
                    events += self._chunk(decoder.decode(frame.data))
                except UNREADABLE:
                    events += self._fail(not_an_answer("between_chunks"))
                except PorticoError as error:
                    events += self._fail(error)
        return events

    def _chunk(self, chunk: Response) -> list[Event]:
        if chunk.error is not None:
            return [*self._counted(chunk), *self._fail(read_stream_error(chunk.error))]
        self._blocked = self._blocked or chunk.blocked
        events: list[Event] = []
        if not self._begun:
            self._begun = True
            self._id = chunk.response_id
            events.append(Started(id=chunk.response_id, model=chunk.model_version))
        for entry in chunk.candidates or ():
            events += self._candidate(read_candidate(entry), entry)
        return [*events, *self._counted(chunk)]

    def _counted(self, chunk: Response) -> list[Event]:
        usage = read_usage(chunk.usage_metadata, gather(self._queries, chunk))
        return [] if usage is None else [UsageReported(usage=usage)]

    def _candidate(self, found: Candidate, entry: Block) -> list[Event]:
        choice = self._choices.get(found.index)
        if choice is None:
            if not 0 <= found.index < MOST_CANDIDATES or len(self._choices) >= MOST_CANDIDATES:
                raise not_an_answer("between_chunks")
            choice = self._choices[found.index] = _Choice()
        events: list[Event] = []
        tokens = logprobs.read(entry.get("logprobsResult"))
        whole = [block for given in parts_of(found) for block in choice.calls.take(given)]
        if found.finish_reason is not None:
            whole += choice.calls.close()
        for block in whole:
            part = answered(read_part(block, self._id, found.index, choice.parts), block)
            events += _part(found.index, choice, part, tokens)
            tokens = None if isinstance(part, Text) else tokens
        text = "" if choice.ascii else None
        for citation in citations(entry, 0, text) if choice.said >= 0 else ():
            events.append(CitationAdded(part=choice.said, citation=citation, choice=found.index))
        if found.finish_reason is not None:
            choice.word = found.finish_reason
        return events


def _as_cut(event: Event) -> Event:
    torn = isinstance(event, Failed) and is_torn(event.error)
    return Failed(error=cut()) if torn else event


def _part(number: int, choice: _Choice, part: Part, tokens: Json) -> list[Event]:
    """A part goes on with the open one of its kind; calls and opaque parts come whole."""
    if isinstance(part, Text):
        choice.ascii = choice.ascii and part.text.isascii()
        events = _say(number, choice, "text", part.text, tokens)
        choice.said = choice.parts - 1 if choice.kind == "text" else choice.said
        signature = part.extra.get("thoughtSignature")
        if isinstance(signature, str):
            events += _close(number, choice)
            events += _signed(number, choice, signatures.inward(signature))
        return events
    if isinstance(part, Reasoning):
        events = _say(number, choice, "reasoning", part.text) if part.text else []
        if part.signature is not None:
            if not part.text:
                events += _close(number, choice)
            events += _signed(number, choice, part.signature)
        return events
    choice.called = choice.called or isinstance(part, ToolCall)
    return [*_close(number, choice), *_whole(number, choice, part)]


def _say(
    number: int, choice: _Choice, kind: PartKind, text: str, tokens: Json = None
) -> list[Event]:
    events: list[Event] = []
    if choice.kind != kind and text:
        events += [*_close(number, choice), _open(number, choice, kind)]
    if text:
        place = choice.parts - 1
        events.append(PartDelta(part=place, choice=number, text=text, logprobs=tokens))
    return events


def _signed(number: int, choice: _Choice, signature: str) -> list[Event]:
    """The signature of the thought that is open, otherwise a part of its own; then it ends."""
    events: list[Event] = []
    if choice.kind != "reasoning":
        events += [*_close(number, choice), _open(number, choice, "reasoning")]
    place = choice.parts - 1
    field: DeltaField = "signature"
    events.append(PartDelta(part=place, choice=number, text=signature, field=field))
    return [*events, *_close(number, choice)]


def _whole(number: int, choice: _Choice, part: Part) -> list[Event]:
    place = choice.parts
    choice.parts += 1
    closed = PartClosed(part=place, choice=number)
    if isinstance(part, ToolCall):
        extra = {**part.extra, "wire": NAME} if part.extra else NOTHING
        opened = PartOpened(
            part=place, kind="tool_call", choice=number, id=part.id, name=part.name, extra=extra
        )
        said = PartDelta(part=place, choice=number, text=part.arguments, field="arguments")
        return [opened, said, closed]
    body = rest(getattr(part, "body", None), ())
    opened = PartOpened(part=place, kind="opaque", choice=number, extra={**body, "wire": NAME})
    return [opened, closed]


def _open(number: int, choice: _Choice, kind: PartKind) -> Event:
    choice.kind = kind
    choice.parts += 1
    return PartOpened(part=choice.parts - 1, kind=kind, choice=number)


def _close(number: int, choice: _Choice) -> list[Event]:
    if choice.kind is None:
        return []
    choice.kind = None
    return [PartClosed(part=choice.parts - 1, choice=number)]
