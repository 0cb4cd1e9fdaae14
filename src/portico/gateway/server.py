"""The HTTP server: uvicorn with httptools, bounded at the head of a request.

uvicorn bounds neither the size of a request's head nor the time it may take to arrive, and
tells an application of a lost connection only through `receive`. This protocol adds the three
without costing a call more than a comparison.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 15.0
CONNECTION: Final = "portico.connection"
"""The key in the ASGI scope under which this protocol is found."""


class Protocol(HttpToolsProtocol):
    """One client connection. `on_lost` is called when it ends before the answer does."""

    on_lost: Callable[[], None] | None = None
    _head: int = 0
    _in_head: bool = True
    _head_timer: asyncio.TimerHandle | None = None

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
        super().data_received(data)
        if not self._in_head:
            return
        if self._head > self.head_bytes:
            self._refuse(431, "Request Header Fields Too Large", "The request's head is too large.")
        elif self._head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]  # ASGI allows extensions
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        if self._head > self.head_bytes and self._head_size() > self.head_bytes:
            self._refuse(431, "Request Header Fields Too Large", "The request's head is too large.")
            return
        self._head = 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "Bad Request", "This is not a valid HTTP request.")

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

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
