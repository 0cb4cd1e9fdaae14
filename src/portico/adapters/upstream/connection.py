"""One connection to an upstream: writes a request, parses the reply into a PooledReply.

Law of the file: a reply belongs to the connection from `ask` until it is complete, broken or
given up, and then never again; a byte that comes while there is no reply ends the connection.
"""

import asyncio
from ipaddress import ip_address
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from portico.adapters.upstream.headers import Headers
from portico.adapters.upstream.reply import Broken, PooledReply
from portico.security.addresses import AddressKind, classify

HEAD_BYTES = 64 * 1024
"""Of a head with the interim replies before it, or of framing and trailers without a body byte."""
HELD_BYTES = 128 * 1024
"""A reader who leaves more than this makes the upstream wait. One segment may come on top."""
PIECE = 256 * 1024
"""Larger bodies are written in pieces of this size, as the upstream takes them."""

_BEGIN = b"HTTP/1."


class Home(Protocol):
    """Whoever counts connections and keeps the idle ones."""

    def rest(self, wire: "Wire") -> None: ...

    def lost(self, wire: "Wire") -> None: ...


class Wire(asyncio.Protocol):
    """Belongs to the one who dialled until `home` is set."""

    __slots__ = (
        "_choked",
        "_deadline",
        "_ended",
        "_headers",
        "_interim",
        "_keep",
        "_loop",
        "_news",
        "_parser",
        "_paused",
        "_quiet",
        "_reply",
        "_stray",
        "_timer",
        "_timer_at",
        "_transport",
        "_upload",
        "address",
        "asked",
        "gone",
        "heard",
        "home",
        "idle_since",
        "private",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.home: Home | None = None
        self.address = ""
        self.private = False
        self.used = False
        """An earlier request went over this connection."""
        self.heard = False
        """A byte has come since the current request took the connection."""
        self.gone = False
        self.asked = 0.0
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reply: PooledReply | None = None
        self._parser: HttpResponseParser = HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._interim = self._ended = self._keep = self._stray = self._news = False
        self._quiet = 0
        """Bytes since the last byte of a body: a head, framing, trailers."""
        self._paused = self._choked = False
        self._upload: memoryview | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = 0.0

    # --- what the pool and the reply ask ------------------------------------------------

    @property
    def closing(self) -> bool:
        return self.gone or self._transport is None or self._transport.is_closing()

    def ask(self, reply: PooledReply, head: bytes, body: bytes, deadline: float) -> None:
        """Writes the request; the head of its reply has to come by `deadline`, loop time."""
        self.heard = False
        self.asked = self._loop.time()
        if self.closing:
            reply.broken = "disconnected"
            return
        assert self._transport is not None
        self._reply = reply
        self._headers = {}
        self._quiet = 0
        self._watch_until(deadline)
        if len(body) <= PIECE:
            self._transport.write(head + body)
            return
        self._transport.write(head)
        self._upload = memoryview(body)
        self._pump()

    def abort(self) -> None:
        """At once: a graceful close would first send what an abandoned request still buffers."""
        self._reply = None
        self._upload = None
        if self._transport is not None:
            self._transport.abort()
        self._leave()

    def fail(self, how: Broken) -> None:
        """Ends the connection; the reply under way is broken for this reason."""
        reply = self._reply
        self.abort()
        if reply is not None:
            reply.broken = how
            reply.wake()

    def watch(self, seconds: float) -> None:
        """The reply under way breaks as "expired" after `seconds`; `unwatch` calls that off."""
        self._watch_until(self._loop.time() + seconds)

    def unwatch(self) -> None:
        self._deadline = 0.0

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            if not self.closing:
                cast(asyncio.Transport, self._transport).resume_reading()

    # --- asyncio's protocol --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if peer:
            self.address = str(peer[0])
            self.private = classify(ip_address(self.address)) is AddressKind.PRIVATE

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None:
            self.abort()
            return
        try:
            if not self.heard:
                self.heard = True
                if not data.startswith(_BEGIN) and not _BEGIN.startswith(data):
                    self.fail("malformed")
                    return
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self._ended:
                self.fail("malformed")
                return
            self._stray = True
        if len(data) > HEAD_BYTES and self._head_size() > HEAD_BYTES:
            self.fail("malformed")
        elif self._ended:
            self._finish(reply)
        else:
            self._follow(reply, len(data))

    def connection_lost(self, error: Exception | None) -> None:
        reply = self._reply
        if reply is not None:
            if error is None and reply.status and self._until_close():
                self._keep = False
                self._finish(reply)
            else:
                self.fail("disconnected")
        self._leave()

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self._pump()

    # --- httptools' callbacks ------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._ended:
            self._stray = True

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        name = name.lower()
        if name in headers:
            Headers(headers).add(name, value)
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        if self._ended:
            return
        status = self._parser.get_status_code()
        headers = self._headers
        if status < 200:
            if status == 101:
                raise ValueError("nobody asked for another protocol")
            self._interim = True
            self._headers = {}
            return
        coding = headers.get(b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":
            raise ValueError("a transfer coding that is not understood")
        assert self._reply is not None
        self._reply.status = status
        self._reply.headers = Headers(headers)
        self._news = True
        self._deadline = 0.0
        self._headers = {}  # trailers, which nobody reads

    def on_body(self, data: bytes) -> None:
        reply = self._reply
        if reply is not None and not self._ended:
            reply.parts.append(data)
            reply.held += len(data)
            self._news = True

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif not self._ended:
            self._ended = True
            self._keep = self._parser.should_keep_alive()

    # --- states --------------------------------------------------------------------------

    def _follow(self, reply: PooledReply, size: int) -> None:
        """A segment that did not end the reply: wake the reader, hold the upstream back."""
        if self._news:
            self._news = False
            self._quiet = 0
            if reply.tapped():
                self._deadline = self._loop.time() + reply.patience
                return
            if reply.held > HELD_BYTES and not self._paused and not self.closing:
                self._paused = True
                cast(asyncio.Transport, self._transport).pause_reading()
            reply.wake()
        else:
            self._quiet += size
            if self._quiet > HEAD_BYTES:
                self.fail("malformed")

    def _finish(self, reply: PooledReply) -> None:
        reply.done = True
        reply.wake()
        keep = self._keep and not self._stray and not self._uploading()
        self._reply = None
        self._ended = self._news = False
        self._deadline = 0.0
        if keep and self.home is not None:
            self.used = True
            self.resume()
            self.home.rest(self)
        else:
            self.abort()

    def _uploading(self) -> bool:
        """The reply came before the request was gone."""
        transport = self._transport
        return (
            self._upload is not None or transport is None or transport.get_write_buffer_size() > 0
        )

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.gone:
            self.gone = True
            if self.home is not None:
                self.home.lost(self)

    def _until_close(self) -> bool:
        """The body of the reply under way ends with its connection."""
        assert self._reply is not None
        headers = self._reply.headers
        return "content-length" not in headers and "transfer-encoding" not in headers

    def _head_size(self) -> int:
        reply = self._reply
        fields = [self._headers]
        if reply is not None and isinstance(reply.headers, Headers):
            fields.append(reply.headers.fields)
        return sum(len(name) + len(value) for field in fields for name, value in field.items())

    def _pump(self) -> None:
        """Writes on while the upstream takes it; `resume_writing` calls again."""
        while (upload := self._upload) is not None and not self._choked:
            assert self._transport is not None
            piece = upload[:PIECE]
            self._upload = upload[PIECE:] if len(upload) > PIECE else None
            self._transport.write(piece)

    def _watch_until(self, when: float) -> None:
        """One timer serves many requests: it is set anew only where it would come too late."""
        self._deadline = when
        if self._timer is None or self._timer_at > when:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._deadline:
            return
        if self._loop.time() < self._deadline:
            self._watch_until(self._deadline)
        else:
            self.fail("expired")
