"""Server-sent events, sans-IO: bytes in any cut become frames that keep their own bytes.

Law of the file: the `raw` of all frames, joined, is the input, byte for byte; and the frames
are the same however the input was cut.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
One deliberate difference: what follows the last blank line is a frame too (`close`), because
servers forget the final newline and the last event counts.
"""

import re

import msgspec

from portico.contract.errors import UpstreamFailed

LIMIT = 8 * 1024 * 1024
"""Bytes of one frame, unless the reader is told otherwise."""

_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_LONGEST_BLANK_LINE = 4
_BOM = b"\xef\xbb\xbf"


class SseFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame. `raw` has all its bytes, with comments and the blank line that ends it.

    `event` is "" where the frame names none; `data` is the data lines joined by a newline, b""
    where the frame is only comments (a keep-alive).
    """

    raw: bytes
    event: str = ""
    data: bytes = b""


def frame(data: bytes, event: str = "") -> bytes:
    """The bytes of a frame. `data` may have several lines."""
    body = b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"
    return b"event: " + event.encode() + b"\n" + body if event else body


class SseReader:
    """Cuts a byte stream into frames. Holds at most one unfinished frame of `limit` bytes."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._from = 0
        self._carriage_returns = False
        self._first = True

    def feed(self, data: bytes) -> list[SseFrame]:
        """The frames that `data` completes. Raises UpstreamFailed past the limit."""
        if not self._rest and not self._first and len(data) <= self._limit:
            # what most servers send: one frame, whole
            plain = _plain(data, carriage_returns=self._carriage_returns)
            if plain is not None:
                return [plain]
        if not self._carriage_returns and b"\r" in data:
            self._carriage_returns = True
        start = 0
        if self._rest:
            self._rest += data
            start = self._from
            if self._end(self._rest, start) < 0:
                return self._keep(b"")
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[SseFrame] = []
        done = 0
        while (end := self._end(data, start)) >= 0:
            frames.append(self._frame(data[done:end]))
            start = done = end
        if done < len(data):
            self._keep(data[done:] if done else data)
        return frames

    def plain(self, data: bytes, opening: bytes = b"data: ") -> list[bytes]:
        """The data of the frames that `data` is made of, each no more than a line after `opening`.

        Empty where only `feed` can tell. Takes nothing in: what is used of `data` is not fed.
        """
        if self._rest or self._first or self._carriage_returns or len(data) > self._limit:
            return []
        if not (data.startswith(opening) and data.endswith(b"\n\n")) or b"\r" in data:
            return []
        at = len(opening)
        if data.find(b"\n", at) == len(data) - 2:  # what most servers send: one frame, whole
            return [data[at:-2]]
        found = data[:-2].split(b"\n\n")
        lines = opening.count(b"\n") + 2
        if data.count(b"\n") != lines * len(found):
            return []
        if not all(raw.startswith(opening) for raw in found):
            return []
        return [raw[at:] for raw in found]

    def close(self) -> list[SseFrame]:
        """The frame of a stream that ends without its last blank line, if there is one."""
        if not self._rest:
            return []
        rest = bytes(self._rest)
        self._rest.clear()
        return [self._frame(rest)]

    def _end(self, data: bytes | bytearray, start: int) -> int:
        """Where the frame ends that is open at `start`; -1 while that is not certain."""
        if not self._carriage_returns:
            found = data.find(b"\n\n", start)
            return found + 2 if found >= 0 else -1
        found = data.find(b"\r\n\r\n", start)
        if found >= 0 and _all_pairs(data, start, found):
            return found + 4  # what the pattern finds too, sooner
        match = _BLANK_LINE.search(data, start)
        if match is None:
            return -1
        end = match.end()
        # A carriage return at the very end may be half of a CRLF.
        return -1 if end == len(data) and data[end - 1] == 0x0D else end

    def _keep(self, data: bytes) -> list[SseFrame]:
        self._rest += data
        self._check(len(self._rest))
        self._from = max(0, len(self._rest) - _LONGEST_BLANK_LINE + 1)
        return []

    def _check(self, size: int) -> None:
        if size > self._limit:
            self._rest.clear()
            raise UpstreamFailed(
                f"The upstream sent a stream event of more than {self._limit} bytes; "
                "the stream was ended. Ask for shorter output or fewer tool arguments.",
                detail={"stage": "body", "kind": "event_too_large"},
            )

    def _frame(self, raw: bytes) -> SseFrame:
        self._check(len(raw))
        text = raw
        if self._first:
            self._first = False
            text = raw.removeprefix(_BOM)
        if text is raw:
            plain = _plain(raw, carriage_returns=self._carriage_returns)
            if plain is not None:
                return plain
        if self._carriage_returns:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return _parse(raw, text)


def _all_pairs(data: bytes | bytearray, start: int, end: int) -> bool:
    """Whether every line in between ends with both a carriage return and a line feed."""
    pairs = data.count(b"\r\n", start, end)
    return data.count(b"\n", start, end) == pairs == data.count(b"\r", start, end)


def _plain(data: bytes, *, carriage_returns: bool) -> SseFrame | None:
    """The frame that `data` is, where it is one line with an object, an event's name before it
    or not, and a blank line. `carriage_returns`: whether one was seen before.
    """
    at = 0
    if data.startswith(b"event: "):
        at = data.find(b"\n") + 1
    if not data.startswith(b"data: {", at):
        return None
    if carriage_returns and not at and data.endswith(b"\r\n\r\n"):
        if data.find(b"\r") == len(data) - 4 == data.find(b"\n") - 1:
            return SseFrame(data, "", data[6:-4])
    elif data.endswith(b"\n\n") and data.find(b"\n", at) == len(data) - 2 and b"\r" not in data:
        event = data[7 : at - 1].decode("utf-8", "replace") if at else ""
        return SseFrame(data, event, data[at + 6 : -2])
    return None


def _parse(raw: bytes, text: bytes) -> SseFrame:
    event = b""
    data: list[bytes] = []
    for line in text.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    joined = data[0] if len(data) == 1 else b"\n".join(data)
    return SseFrame(raw, event.decode("utf-8", "replace"), joined)
