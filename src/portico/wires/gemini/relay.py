"""A stream of chunks from upstream to caller, bytes in, bytes out, holding back its tail.

Law of the file: every frame leaves with its own bytes, in order, but for the last one that has
a finish reason and what follows it, which `finish` stamps and lets go. The wire has no end
mark: a stream that ends after each candidate has finished is complete.
"""

import msgspec

from portico.contract.conversation import Json
from portico.contract.errors import PorticoError
from portico.contract.usage import StopReason
from portico.contract.wires import Skim
from portico.wires import members
from portico.wires.gemini.answers import Response, decoder, gather, note, stop_reason
from portico.wires.gemini.failures import (
    cut,
    error_frame,
    is_torn,
    not_an_answer,
    read_stream_error,
)
from portico.wires.gemini.tables import FRAME_LIMIT, MOST_CANDIDATES, UNREADABLE
from portico.wires.gemini.usage import read_usage
from portico.wires.sse import SseFrame, SseReader, frame


class GeminiRelay:
    """See the port `Relay`. Holds one unfinished frame and the last that may be the end."""

    def __init__(self) -> None:
        self._frames = SseReader(FRAME_LIMIT)
        self._skim = Skim()
        self._finished: dict[int, bool] = {}
        self._held: SseFrame | None = None
        self._usage: Json = None
        self._has_usage = False
        self._called = False
        self._queries: set[str] = set()

    @property
    def skim(self) -> Skim:
        return self._skim

    def feed(self, data: bytes) -> bytes:
        if self._skim.failed is not None or self._skim.complete:
            return b""
        try:
            return self._pass(self._frames.feed(data))
        except PorticoError as error:
            self._skim.failed = error
            return b""

    def close(self) -> bytes:
        if self._skim.failed is not None or self._skim.complete:
            return b""
        passed = self._pass(self._frames.close())
        if self._skim.failed is not None and is_torn(self._skim.failed):
            self._skim.failed = cut()
        elif self._skim.failed is None:
            whole = bool(self._finished) and all(self._finished.values())
            self._skim.complete = whole and self._held is not None
            self._skim.failed = None if self._skim.complete else cut()
        return passed

    def finish(self, portico: bytes) -> bytes:
        """The held frame with `portico`, and with the usage if only an earlier one had it."""
        held, self._held = self._held, None
        if self._skim.failed is not None or held is None:
            return b""
        data = held.data
        if self._usage and not self._has_usage:
            data = members.stamp(data, "usageMetadata", msgspec.json.encode(self._usage))
        return frame(members.stamp(data, "portico", portico), held.event)

    def fail(self, error: PorticoError) -> bytes:
        """The error chunk, which ends the stream."""
        self._held = None
        if self._skim.failed is None:
            self._skim.failed = error
        return error_frame(error)

    def _pass(self, frames: list[SseFrame]) -> bytes:
        return b"".join([self._frame(found) for found in frames])

    def _frame(self, found: SseFrame) -> bytes:
        """What may leave now, given one more frame."""
        if self._skim.failed is not None:
            return b""
        if not found.data:
            return found.raw
        try:
            chunk = decoder.decode(found.data)
        except UNREADABLE:
            self._skim.failed = not_an_answer("between_chunks")
            return b""
        if chunk.error is not None:
            self._skim.usage = read_usage(chunk.usage_metadata) or self._skim.usage
            self._skim.failed = read_stream_error(chunk.error)
            return b""
        released = b"" if self._held is None else self._held.raw
        self._held = None
        self._note(chunk)
        if self._finished and all(self._finished.values()):
            self._held = found
            return released
        return released + found.raw

    def _note(self, chunk: Response) -> None:
        skim = self._skim
        skim.model = skim.model or chunk.model_version
        searches = gather(self._queries, chunk)
        self._has_usage = chunk.usage_metadata is not None
        if chunk.usage_metadata is not None:
            self._usage = chunk.usage_metadata
            skim.usage = read_usage(chunk.usage_metadata, searches) or skim.usage
        if chunk.blocked and not chunk.candidates:
            self._finished.setdefault(0, True)
            skim.stop = skim.stop or StopReason.CONTENT_FILTER
        for candidate in chunk.candidates or ():
            self._candidate(candidate)

    def _candidate(self, body: dict[str, Json]) -> None:
        index = body.get("index", 0)
        if not isinstance(index, int) or len(self._finished) >= MOST_CANDIDATES:
            self._skim.failed = not_an_answer("between_chunks")
            return
        called, word = note(self._skim, body)
        self._finished[index] = self._finished.get(index, False) or word is not None
        if index == 0:
            self._called = self._called or called
            if word is not None:
                self._skim.stop = stop_reason(word, self._called)
