"""The HTTP server: uvicorn with httptools, bounded at the head of a request.

uvicorn bounds neither the size of a request's head nor the time it may take to arrive, and
tells an application of a lost connection only through `receive`. It reads on while answers to
pipelined requests wait, keeps trailers of any size, forgets a connection whose request was
answered before it had come, and loses the body of a request that offers an upgrade. This
protocol mends each of these. It also takes the place of most that uvicorn does for a request,
which serves every kind of application and costs more than a call can spare.
"""

import asyncio
import json
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portico.gateway.exchange import EXCHANGE, Application, Exchange
from portico.gateway.lifeline import Alarm

HEAD_SECONDS: Final = 15.0
"""For a request's head to arrive, and for the rest of a request that is answered already."""
MOST_PIPELINED: Final = 100
"""Requests of one connection that may wait for the answer to an earlier one."""
MOST_UNREAD: Final = 64 * 1024
"""Bytes of a body that may wait to be read."""
HEADER_EXTRA: Final = 4
"""Bytes of a header beside its name and value."""
TOO_LARGE: Final = "Request Header Fields Too Large"
CONNECTION: Final = "portico.connection"
"""The key in the ASGI scope under which this protocol is found."""
PLAIN_PATH: Final = re.compile(rb"/[\w./-]*+")
"""Most URLs: nothing to take apart, nothing to decode."""
ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


class Protocol(HttpToolsProtocol):
    """One client connection. `on_lost` is called when it ends before the answer does."""

    cycle: Exchange  # type: ignore[assignment]  # ours, in the place of uvicorn's
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
        self.alarm = Alarm(self.loop)
        """For whatever this connection waits for: the end of a call, or the next one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it likewise
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.alarm.close()
        self.connections.discard(self)
        cycle = self.cycle
        waiting = cycle is not None and not cycle.response_complete
        if waiting:
            cycle.disconnected = True
            cycle.wake()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.parser = None  # type: ignore[assignment]  # it holds this protocol
        if waiting and self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        self._bodiless += len(data)
        self._parse(data)
        while self._plain is not None and not self.transport.is_closing():
            data, self._plain = self._plain + data[self._upgraded_at :], None
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self._parse(data)
        if not self._in_head:
            if self._bodiless > self.head_bytes:
                self._refuse(431, TOO_LARGE, "The trailers or chunk extensions are too large.")
        elif self._head > self.head_bytes:
            self._refuse(431, TOO_LARGE, "The request's head is too large.")
        elif self._head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._upgraded_at = stopped.args[0]
        except httptools.HttpParserError:
            self._refuse(400, "Bad Request", "This is not a valid HTTP request.")

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = True
        self._received = False
        self._bodiless = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._disarm()
        if self._head > self.head_bytes and self._head_size() > self.head_bytes:
            self._refuse(431, TOO_LARGE, "The request's head is too large.")
            return
        if self.parser.should_upgrade():
            self._plain = self._without_upgrade()
            return
        self._head = 0
        self._bodiless = 0
        exchange = self._open()
        earlier, self.cycle = self.cycle, exchange
        if earlier is None or earlier.response_complete:
            self._start(exchange)
            return
        self.flow.pause_reading()
        self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]  # as `cycle`
        if len(self.pipeline) > MOST_PIPELINED:
            self.transport.close()
            raise ConnectionAbortedError  # stops the parser, which has more of them

    def _open(self) -> Exchange:
        """The exchange of the request whose head has come."""
        version = self.parser.get_http_version()
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": "",
            "headers": self.headers,
            CONNECTION: self,
        }
        path, query = self.url, b""
        if PLAIN_PATH.fullmatch(path) is None:
            parsed = httptools.parse_url(path)
            path, query = parsed.path, parsed.query or b""
        text = path.decode("ascii")
        scope["path"] = unquote(text) if "%" in text else text
        scope["raw_path"] = path
        scope["query_string"] = query
        self.headers = []  # the scope has them; trailers, which come later, are not for it
        exchange = Exchange(scope, self.transport, self.flow, self.on_response_complete)
        exchange.common = self.server_state.default_headers
        exchange.wants_continue = self.expect_100_continue
        exchange.keep_alive = version != "1.0" and self.parser.should_keep_alive()
        scope[EXCHANGE] = exchange
        return exchange

    def _start(self, exchange: Exchange) -> None:
        application: Application = self.app
        task = exchange.task = self.loop.create_task(exchange.run(application))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        cycle = self.cycle
        if self._plain is not None or cycle.response_complete:
            return
        cycle.body = cycle.body + body if cycle.body else body
        if len(cycle.body) > MOST_UNREAD:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        if self._plain is not None:
            return
        self._received = True
        if self._head_timer is not None:
            self._disarm()
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.wake()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            exchange, _ = self.pipeline.pop()
            self._start(exchange)  # type: ignore[arg-type]  # what `on_headers_complete` put there
            if self.pipeline:
                self.flow.pause_reading()
                return
        elif self._received:
            self.alarm.set(self.timeout_keep_alive, self._idle_too_long)
        elif self.cycle.response_complete:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        self.flow.resume_reading()

    def _idle_too_long(self) -> None:
        """With a head on its way, that head's own timer decides."""
        if self.cycle.response_complete and not self._head:
            self.transport.close()

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
