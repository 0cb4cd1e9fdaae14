"""A stream of chunks from upstream to caller, bytes in, bytes out, holding back its tail.

Law of the file: every frame leaves with its own bytes, in order, but for three: the frame that
`finish` stamps, a usage chunk that only Portico asked for, and an error, which the gateway
writes in its own words.
"""

import msgspec

from portico.contract.call import WireRequest
from portico.contract.conversation import Json
from portico.contract.errors import PorticoError, UpstreamFailed
from portico.contract.wires import Skim
from portico.wires import members
from portico.wires.openai_chat import schema, usage
from portico.wires.openai_chat.answers import stop_reason, utf8_length
from portico.wires.openai_chat.failures import cut, error_frame, is_torn, read_stream_error
from portico.wires.openai_chat.message_reader import arguments_text
from portico.wires.openai_chat.stream_reader import DONE, read_chunk
from portico.wires.openai_chat.stream_writer import DONE_FRAME
from portico.wires.sse import SseFrame, SseReader, frame

LONGEST_TAIL = 1024 * 1024
"""Bytes that may follow the last finish reason: a usage chunk, comments, [DONE]."""

FRAMING = len(frame(b""))
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ENDINGS = (b"\n\n", b"\r\r", b"\r\n\r\n")


class ChatRelay:
    """See the port `Relay`. Holds one unfinished frame, and the frames of the tail."""

    def __init__(self, request: WireRequest) -> None:
        self._frames = SseReader()
        self._skim = Skim()
        self._choices = request.choices
        self._wants_usage = request.wants_usage
        self._finished: set[int] = set()
        self._refused = False
        self._tail: list[SseFrame] = []
        self._tail_bytes = 0
        self._tier: Json = None
        self._stamp = -1
        """The frame of the tail that carries `portico`."""
        self._is_usage = False
        """The chunk just seen is a usage chunk that the caller asked for."""

    @property
    def skim(self) -> Skim:
        return self._skim

    def feed(self, data: bytes) -> bytes:
        skim = self._skim
        if skim.failed is not None or skim.complete:
            return b""
        passed = 0
        if not self._finished and not self._tail:
            passed = self._pass(data)
            if passed == len(data):
                return data
        try:
            carried = self._carry(self._frames.feed(data[passed:] if passed else data))
        except PorticoError as error:
            skim.failed = error
            carried = b""
        return data[:passed] + carried if passed else carried

    def close(self) -> bytes:
        if self._skim.failed is not None or self._skim.complete:
            return b""
        passed = self._carry(self._frames.close())
        if self._tail and (self._skim.failed is None or is_torn(self._skim.failed)):
            self._skim.failed = None
            self._skim.complete = True
        elif self._skim.failed is None or is_torn(self._skim.failed):
            self._skim.failed = cut()
        return passed

    def finish(self, portico: bytes) -> bytes:
        """The tail, with `portico` in the usage chunk or the one with the finish reason."""
        if self._skim.failed is not None or not self._tail:
            return b""
        tail, self._tail = self._tail, []
        written = [_whole(found.raw) for found in tail]
        done = tail[-1].data == DONE
        if self._stamp >= 0:
            written[self._stamp] = _stamped(tail[self._stamp], portico)
        else:
            place = len(written) - done
            written.insert(place, frame(self._bare(portico)))
        if not done:
            written.append(DONE_FRAME)
        return b"".join(written)

    def fail(self, error: PorticoError) -> bytes:
        self._tail = []
        return error_frame(error)

    def _pass(self, data: bytes) -> int:
        """How many bytes, in whole frames, can leave as they are."""
        passed = 0
        for text in self._frames.plain(data):
            if not self._is_delta(text):
                break
            passed += FRAMING + len(text)
        return passed

    def _is_delta(self, text: bytes) -> bool:
        """Whether a chunk goes on with one choice and says nothing else; if so, it is weighed."""
        try:
            chunk = schema.chunks.decode(text)
        except UNREADABLE:
            return False  # `_see` says what it is
        choices = chunk.choices
        if not choices or len(choices) > 1 or chunk.usage is not None or chunk.error is not None:
            return False
        choice = choices[0]
        if choice.delta is None or choice.finish_reason is not None:
            return False
        if not self._skim.model:
            self._skim.model = chunk.model or ""
            self._tier = chunk.service_tier
        self._weigh(choice.delta)
        return True

    def _carry(self, frames: list[SseFrame]) -> bytes:
        passed: list[bytes] = []
        for found in frames:
            try:
                keep = self._see(found) if found.data else True
            except PorticoError as error:
                self._skim.failed = error
                break
            if not keep:
                continue
            if self._tail or self._finished or found.data == DONE:
                self._keep(found, passed)
            else:
                passed.append(found.raw)
            if self._skim.complete:
                break
        return passed[0] if len(passed) == 1 else b"".join(passed)

    def _keep(self, found: SseFrame, passed: list[bytes]) -> None:
        """Holds a frame of the tail; some choices may go on after others have ended."""
        if self._tail or len(self._finished) >= self._choices or found.data == DONE:
            self._hold(found)
        else:
            passed.append(found.raw)

    def _hold(self, found: SseFrame) -> None:
        if found.data == DONE:
            self._skim.complete = True
        elif found.data and (not self._tail or self._is_usage):
            self._stamp = len(self._tail)
        self._tail.append(found)
        self._tail_bytes += len(found.raw)
        if self._tail_bytes > LONGEST_TAIL:
            self._skim.failed = UpstreamFailed(
                "The provider's stream goes on after its end; the answer was ended there.",
                detail={"stage": "between_chunks", "kind": "endless"},
            )

    def _see(self, found: SseFrame) -> bool:
        """Learns from a chunk. False: it is for Portico only and does not go to the caller."""
        if found.data == DONE:
            return True
        chunk = read_chunk(found)
        self._is_usage = False
        self._tier = chunk.service_tier or self._tier
        if chunk.error is not None:
            self._count(chunk.usage, with_choices=True)
            raise read_stream_error(chunk.error)
        if chunk.model and not self._skim.model:
            self._skim.model = chunk.model
        for choice in chunk.choices or ():
            if choice.delta is not None:
                self._weigh(choice.delta)
            if choice.finish_reason is not None:
                self._finish(choice)
        return chunk.usage is None or self._count(chunk.usage, bool(chunk.choices))

    def _count(self, found: Json, with_choices: bool) -> bool:
        counted = usage.read(found, self._tier)
        if counted is not None:
            self._skim.usage = counted
        self._is_usage = self._wants_usage and not with_choices
        return self._wants_usage or with_choices

    def _weigh(self, delta: schema.Delta) -> None:
        skim, text = self._skim, delta.content
        if text:
            skim.has_content = True
            skim.output_bytes += len(text) if text.isascii() else utf8_length(text)
        if thought := delta.reasoning_content or delta.reasoning:
            skim.has_content = True
            skim.output_bytes += utf8_length(thought)
        if delta.refusal:
            self._refused = skim.has_content = True
            skim.output_bytes += utf8_length(delta.refusal)
        if delta.tool_calls:
            skim.has_content = True
            for call in delta.tool_calls:
                if call.function is not None:
                    skim.output_bytes += utf8_length(arguments_text(call.function.arguments))
        if delta.audio is not None:
            skim.has_content = True

    def _finish(self, choice: schema.ChunkChoice) -> None:
        self._finished.add(choice.index)
        if choice.index == 0 or self._skim.stop is None:
            word = choice.finish_reason
            self._skim.stop = stop_reason(word, choice.stop_reason, self._refused)

    def _bare(self, portico: bytes) -> bytes:
        """A chunk of its own, for a stream that gave no reason to stop."""
        chunk = {
            "id": "",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self._skim.model,
            "choices": [],
        }
        return members.stamp(msgspec.json.encode(chunk), "portico", portico)


def _whole(raw: bytes) -> bytes:
    """A frame with the blank line that a stream's last frame may lack."""
    if raw.endswith(_ENDINGS):
        return raw
    return raw + (b"\n" if raw.endswith((b"\n", b"\r")) else b"\n\n")


def _stamped(found: SseFrame, portico: bytes) -> bytes:
    data = members.stamp(found.data, "portico", portico)
    if found.data in found.raw:
        return _whole(found.raw.replace(found.data, data, 1))
    return frame(data, found.event)
