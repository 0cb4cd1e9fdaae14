"""One HTTP request and the answer to it, as an ASGI application sees them.

It stands where uvicorn's RequestResponseCycle stood, and does for a call only what the call needs:
a body that is there is handed over without waiting, and a head goes out with the body behind it.
"""

import asyncio
import http
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl

from portico.methods.places import place

Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

log = logging.getLogger("portico.gateway")

PHRASES: Final = {status.value: status.phrase for status in http.HTTPStatus}
STATUS: Final = {
    status: f"HTTP/1.1 {status} {PHRASES.get(status, '')}\r\n".encode()
    for status in range(100, 600)
}
BODILESS: Final = frozenset({204, 304})
FORBIDDEN: Final = bytes({*range(0x20), 0x7F} - {0x09})
"""What would end a header, or is no part of one (RFC 9110, 5.5)."""
EXCHANGE: Final = "portico.exchange"
"""The key in the ASGI scope under which a request's exchange is found."""
FAILED: Final = b"Internal Server Error"
LAST_CHUNK: Final = b"0\r\n\r\n"


class Exchange:
    """`receive` and `send` are ASGI's. `finished` is called when the answer is complete."""

    __slots__ = (
        "_chunked",
        "_event",
        "_finished",
        "_flow",
        "_fresh",
        "_head",
        "_left",
        "_started",
        "_transport",
        "body",
        "common",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "scope",
        "task",
        "wants_continue",
    )

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        transport: asyncio.Transport,
        flow: FlowControl,
        finished: Callable[[], None],
    ) -> None:
        self.scope = scope
        self.keep_alive = True
        self.wants_continue = False
        self.common: Headers = []
        """Headers of every answer."""
        self.task: asyncio.Task[None] | None = None
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self._transport = transport
        self._flow = flow
        self._finished: Callable[[], None] | None = finished
        self._fresh = False
        """Something has come that `receive` has not told of."""
        self._event: asyncio.Event | None = None
        self._started = False
        self._head = b""
        """The head, until there is a body to send it with."""
        self._chunked = False
        self._left = 0
        """Bytes that the answer has yet to send, where its head says how long it is."""

    def wake(self) -> None:
        """There is news for who waits in `receive`."""
        self._fresh = True
        if self._event is not None:
            self._event.set()

    async def run(self, app: Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as defect:  # noqa: BLE001 - the server's last door: the connection lives on
            log.error("%s met a defect: %s", self.scope["path"], place(defect))  # noqa: TRY400
        finally:
            if not self.response_complete and not self.disconnected:
                self._give_up()
            self._finished = self.task = None
            self.scope.pop(EXCHANGE, None)  # nothing is left that only a collection could free

    async def receive(self) -> Message:
        if self.wants_continue and not self._transport.is_closing():
            self.wants_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._fresh or self.disconnected or self.response_complete):
            self._flow.resume_reading()
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()
            self._event.clear()
        self._fresh = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self.body = self.body, b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    @property
    def flowing(self) -> bool:
        """The answer has begun, in chunks, and the caller takes more without a wait."""
        return self._chunked and not (
            self._flow.write_paused or self.disconnected or self.response_complete
        )

    def push(self, data: bytes) -> None:
        """Sends a piece at once, not empty. Only while `flowing`."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def send(self, message: Message) -> None:
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind != ("http.response.body" if self._started else "http.response.start"):
            raise RuntimeError(f"'{kind}' is not what an answer goes on with here.")
        if self.response_complete:
            raise RuntimeError("The answer is complete already.")
        if not self._started:
            self._begin(message["status"], message.get("headers", []))
            return
        data: bytes = message.get("body", b"")
        if not self._chunked:
            self._counted(data, last=not message.get("more_body"))
        elif message.get("more_body"):
            if data:
                self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            last = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else LAST_CHUNK
            self._transport.write(last)
            self._complete()

    def _begin(self, status: int, own: Headers) -> None:
        headers = [*self.common, *own]
        values = b"".join([value for _, value in headers])
        if len(values.translate(None, FORBIDDEN)) < len(values):
            raise RuntimeError("A header of the answer holds a control character.")
        said = dict(headers)
        length = said.get(b"content-length")
        lines = [STATUS[status], *[b"%b: %b\r\n" % pair for pair in headers]]
        if b"close" in said.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if length is not None:
            self._left = int(length)
        elif status not in BODILESS and self.scope["method"] != "HEAD":
            self._chunked = True
            if b"transfer-encoding" not in said:
                lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self._started = True
        self.wants_continue = False
        if length is None:
            self._transport.write(b"".join(lines))
        else:
            self._head = b"".join(lines)

    def _counted(self, data: bytes, *, last: bool) -> None:
        if self.scope["method"] == "HEAD":
            data, self._left = b"", 0
        self._left -= len(data)
        if self._left < 0 or (last and self._left):
            raise RuntimeError("The answer is not as long as its head says.")
        if self._head or data:
            self._transport.write(self._head + data if self._head else data)
            self._head = b""
        if last:
            self._complete()

    def _complete(self) -> None:
        self.response_complete = True
        self.wake()
        if not self.keep_alive:
            self._transport.close()
        if self._finished is not None:
            self._finished()

    def _give_up(self) -> None:
        """The application has ended without an answer, or with half of one."""
        if self._started:
            self._transport.close()
            return
        length = (b"content-length", b"%d" % len(FAILED))
        close = (b"connection", b"close")
        self._begin(500, [(b"content-type", b"text/plain; charset=utf-8"), length, close])
        self._counted(FAILED, last=True)
