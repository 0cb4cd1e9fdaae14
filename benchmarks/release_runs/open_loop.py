"""Load that comes whether or not earlier calls were answered, each answer with its release."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import NamedTuple

MOST_CONNECTIONS = 2000
DRAIN_S = 10.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RELEASE = re.compile(rb"\r\nx-portico-release: *([^\r]+)", re.IGNORECASE)
LOST = 0
"""The status of a call whose connection ended, or that found none."""


class Answer(NamedTuple):
    """Times are of `time.perf_counter`, in seconds."""

    due: float
    sent: float
    done: float
    status: int
    release: str


class Connection(asyncio.Protocol):
    """One request at a time on a connection that is kept."""

    def __init__(self, load: "OpenLoop") -> None:
        self._load = load
        self._received = b""
        self._due = self._sent = 0.0
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self._received, self._due, self._busy = b"", due, True
        self._sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = LENGTH.search(self._received, 0, end)
        if length is None or len(self._received) < end + int(length[1]):
            return
        release = RELEASE.search(self._received, 0, end)
        self._finish(int(self._received[9:12]), release[1].decode() if release else "")
        self._load.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._load.idle:
            self._load.idle.remove(self)
        self._load.connections -= 1
        if self._busy:
            self._finish(LOST, "")

    def _finish(self, status: int, release: str) -> None:
        self._busy = False
        done = time.perf_counter()
        self._load.finish(Answer(self._due, self._sent, done, status, release))


class OpenLoop:
    """Sends a request so many times a second until it is stopped."""

    def __init__(self, port: int, request: bytes, rate: float) -> None:
        self._port = port
        self._request = request
        self._apart = 1 / rate
        self._stopping = False
        self._waiting: tuple[str, Callable[[Answer], None]] | None = None
        self.idle: list[Connection] = []
        self.connections = 0
        self.offered = 0
        self.answers: list[Answer] = []
        self._drained = asyncio.Event()

    async def run(self) -> None:
        """Returns when it is stopped and every call has ended."""
        due = time.perf_counter()
        while not self._stopping:
            now = time.perf_counter()
            while due <= now:
                self.offered += 1
                await self._send(due)
                due += self._apart
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if len(self.answers) < self.offered:
            async with asyncio.timeout(DRAIN_S):
                await self._drained.wait()
        for connection in tuple(self.idle):
            connection.transport.abort()

    def stop(self) -> None:
        self._stopping = True

    def first_by(self, release: str) -> "asyncio.Future[Answer]":
        """The next answer that this release has served."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def found(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        self._waiting = (release, found)
        return future

    def finish(self, answer: Answer) -> None:
        self.answers.append(answer)
        if self._waiting is not None and self._waiting[0] == answer.release:
            self._waiting[1](answer)
            self._waiting = None
        if self._stopping and len(self.answers) == self.offered:
            self._drained.set()

    async def _send(self, due: float) -> None:
        if self.idle:
            self.idle.pop().ask(self._request, due)
            return
        if self.connections >= MOST_CONNECTIONS:
            now = time.perf_counter()
            self.finish(Answer(due, now, now, LOST, ""))
            return
        self.connections += 1
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self), "127.0.0.1", self._port
        )
        connection.ask(self._request, due)
