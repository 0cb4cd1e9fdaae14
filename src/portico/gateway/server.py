"""The HTTP server: uvicorn with httptools, bounded at the head of a request.

uvicorn bounds neither the size of a request's head nor the time it may take to arrive, and
tells an application of a lost connection only through `receive`. It reads on while answers to
pipelined requests wait, keeps trailers of any size, forgets a connection whose request was
answered before it had come, and loses the body of a request that offers an upgrade. This
protocol mends each of these without costing a call more than some comparisons.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 15.0
"""For a request's head to arrive, and for the rest of a request that is answered already."""
MOST_PIPELINED: Final = 100
"""Requests of one connection that may wait for the answer to an earlier one."""
HEADER_EXTRA: Final = 4
"""Bytes of a header beside its name and value."""
TOO_LARGE: Final = "Request Header Fields Too Large"
CONNECTION: Final = "portico.connection"
"""The key in the ASGI scope under which this protocol is found."""


class Protocol(HttpToolsProtocol):
    """One client connection. `on_lost` is called when it ends before the answer does."""

    on_lost: Callable[[], None] | None = None
    _head: int = 0
    _in_head: bool = True
    _head_timer: asyncio.TimerHandle | None = None
    _bodiless: int = 0
    """Bytes since the last of a body that were none: sizes of chunks, extensions, trailers."""
    _received: bool = True
    """The request that is being parsed has come to its end."""
    _plain: bytes | None = None
    """The head of a request that offers an upgrade, without the offer: to be parsed again."""
    _upgraded_at: int = 0

    def __init__(self, *args: Any, head_bytes: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_bytes = head_bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it likewise
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        waiting = self.cycle is not None and not self.cycle.response_complete
        super().connection_lost(exc)
        if waiting and self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        self._bodiless += len(data)
        super().data_received(data)
        while self._plain is not None and not self.transport.is_closing():
            data, self._plain = self._plain + data[self._upgraded_at :], None
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            super().data_received(data)
        if not self._in_head:
            if self._bodiless > self.head_bytes:
                self._refuse(431, TOO_LARGE, "The trailers or chunk extensions are too large.")
        elif self._head > self.head_bytes:
            self._refuse(431, TOO_LARGE, "The request's head is too large.")
        elif self._head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]  # ASGI allows extensions
        self._in_head = True
        self._received = False
        self._bodiless = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        if self._head > self.head_bytes and self._head_size() > self.head_bytes:
            self._refuse(431, TOO_LARGE, "The request's head is too large.")
            return
        if self.parser.should_upgrade():
            self._plain = self._without_upgrade()
            return
        self._head = 0
        self._bodiless = 0
        super().on_headers_complete()
        self.headers = []  # the scope has them; trailers, which come later, are not for it
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.close()
            raise ConnectionAbortedError  # stops the parser, which has more of them

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._plain is not None:
            return
        self._received = True
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.pause_reading()
        elif not self._received and self.cycle.response_complete:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _without_upgrade(self) -> bytes:
        """The request as it reads to a server that ignores upgrades (RFC 9110, 7.8).

        Raises for CONNECT, which asks for a tunnel and nothing else.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(405, "Method Not Allowed", "This server is no proxy; it takes no CONNECT.")
            raise ConnectionAbortedError
        version = self.parser.get_http_version().encode()
        lines = [method + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _unsupported_upgrade_warning(self) -> None:
        """Called by uvicorn where the parser stopped; the exception says at which byte."""
        stopped = sys.exception()
        self._upgraded_at = stopped.args[0] if stopped is not None else 0

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "Bad Request", "This is not a valid HTTP request.")

    def _head_size(self) -> int:
        sizes = (len(name) + len(value) + HEADER_EXTRA for name, value in self.headers)
        return len(self.url) + sum(sizes)

    def _head_is_late(self) -> None:
        if self._head:
            self._refuse(408, "Request Timeout", "The request's head did not arrive in time.")
        else:
            self.transport.close()

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, phrase: str, message: str) -> None:
        if self.transport.is_closing():
            return
        error = {"message": message, "type": "invalid_request_error", "code": "invalid_request"}
        body = json.dumps({"error": error}).encode()
        self.transport.write(
            f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\n"
            f"x-portico-error: invalid_request\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n".encode()
            + body
        )
        self.transport.close()
